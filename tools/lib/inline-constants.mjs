// Puts the values of numeric constants where the built packages use them.
//
// An engine reads an imported (or exported) binding from memory at each use, checks that it is a number and unpacks it:
// it might change. In a loop over page table entries that is most of the time. Values in place are part of the code, as
// if each module had a private copy of every constant. TypeScript would do it for `const enum`, which this repository
// does not use: types must be erasable.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { filesBelow, readJson, writeIfChanged } from './workspace.mjs';

const { SyntaxKind } = ts;

const binary = new Map([
  [SyntaxKind.PlusToken, (a, b) => a + b],
  [SyntaxKind.MinusToken, (a, b) => a - b],
  [SyntaxKind.AsteriskToken, (a, b) => a * b],
  [SyntaxKind.SlashToken, (a, b) => a / b],
  [SyntaxKind.AsteriskAsteriskToken, (a, b) => a ** b],
  [SyntaxKind.LessThanLessThanToken, (a, b) => a << b],
  [SyntaxKind.GreaterThanGreaterThanToken, (a, b) => a >> b],
  [SyntaxKind.GreaterThanGreaterThanGreaterThanToken, (a, b) => a >>> b],
  [SyntaxKind.AmpersandToken, (a, b) => a & b],
  [SyntaxKind.BarToken, (a, b) => a | b],
  [SyntaxKind.CaretToken, (a, b) => a ^ b],
]);

const unary = new Map([
  [SyntaxKind.MinusToken, (a) => -a],
  [SyntaxKind.PlusToken, (a) => a],
  [SyntaxKind.TildeToken, (a) => ~a],
]);

/** A built module: what it declares, imports and passes on, by name. */
class Module {
  constructor(path) {
    this.path = path;
    this.text = readFileSync(path, 'utf8');
    this.source = ts.createSourceFile(path, this.text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
    /** Initializers of the constants of the module. */
    this.constants = new Map();
    this.exported = new Set();
    /** What a local name, or a name passed on, is in another module. */
    this.imports = new Map();
    this.passedOn = new Map();
    for (const statement of this.source.statements) this.#read(statement);
  }

  /** Whether the engine reads a name through a cell that others could see. */
  isBinding(name) {
    return this.imports.has(name) || this.exported.has(name);
  }

  #read(statement) {
    if (ts.isVariableStatement(statement) && (statement.declarationList.flags & ts.NodeFlags.Const) !== 0) {
      const isExported = statement.modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword) ?? false;
      for (const { name, initializer } of statement.declarationList.declarations) {
        if (!ts.isIdentifier(name) || initializer === undefined) continue;
        this.constants.set(name.text, initializer);
        if (isExported) this.exported.add(name.text);
      }
    }
    const from = statement.moduleSpecifier?.text;
    if (from === undefined) return;
    const bindings = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : statement.exportClause;
    if (bindings?.elements === undefined) return;
    const into = ts.isImportDeclaration(statement) ? this.imports : this.passedOn;
    for (const { name, propertyName } of bindings.elements) {
      into.set(name.text, { from, name: (propertyName ?? name).text });
    }
  }
}

/** The numeric constants of some built packages, given by their folders. */
export class Constants {
  /** Folder of each package by name. */
  #folders = new Map();
  #modules = new Map();
  #values = new Map();

  constructor(folders) {
    for (const dir of folders) this.#folders.set(readJson(join(dir, 'package.json')).name, dir);
  }

  /** What every exported constant is, by its place. */
  get values() {
    const values = {};
    for (const [name, dir] of this.#folders) {
      for (const module of this.#built(dir)) {
        for (const constant of module.exported) {
          const place = `${name} ${relative(dir, module.path)} ${constant}`;
          const initializer = module.constants.get(constant);
          const members = ts.isObjectLiteralExpression(initializer) ? initializer.properties : [];
          for (const { name: member, initializer: node } of members) {
            const value = node === undefined ? undefined : this.#evaluate(module, node);
            if (value !== undefined) values[`${place}.${member.getText()}`] = value;
          }
          const value = this.#value(module, constant);
          if (value !== undefined) values[place] = value;
        }
      }
    }
    return values;
  }

  /** Writes the values where the constants are used; gives how many files changed. */
  inline() {
    let changed = 0;
    for (const dir of this.#folders.values()) {
      for (const module of this.#built(dir)) if (writeIfChanged(module.path, this.#inlined(module))) changed++;
    }
    return changed;
  }

  #built(dir) {
    return filesBelow(join(dir, 'dist'), (path) => path.endsWith('.js')).map((path) => this.#module(path));
  }

  #module(path) {
    let module = this.#modules.get(path);
    if (module === undefined) this.#modules.set(path, (module = existsSync(path) ? new Module(path) : null));
    return module;
  }

  /** What `name` is inside `module`; undefined: no constant number. */
  #value(module, name) {
    const key = `${module.path} ${name}`;
    if (!this.#values.has(key)) {
      this.#values.set(key, undefined);
      this.#values.set(key, this.#find(module, name));
    }
    return this.#values.get(key);
  }

  #find(module, name) {
    const place = this.#declaration(module, name);
    return place === undefined ? undefined : this.#evaluate(place.module, place.initializer);
  }

  /** `Kind.Member`, of an object that is a list of named numbers: both begin with a capital. */
  #member(module, node) {
    const { expression, name } = node;
    if (!ts.isIdentifier(expression) || !/^[A-Z]/.test(name.text) || !/^[A-Z]/.test(expression.text)) return undefined;
    if (!module.isBinding(expression.text)) return undefined;
    const place = this.#declaration(module, expression.text);
    if (place === undefined || !ts.isObjectLiteralExpression(place.initializer)) return undefined;
    const property = place.initializer.properties.find((one) => one.name?.getText() === name.text);
    return property?.initializer === undefined ? undefined : this.#evaluate(place.module, property.initializer);
  }

  /** Where a name that `module` uses is declared, and with what initializer. */
  #declaration(module, name) {
    const initializer = module.constants.get(name);
    if (initializer !== undefined) return { module, initializer };
    const origin = module.imports.get(name) ?? module.passedOn.get(name);
    if (origin === undefined) return undefined;
    const path = origin.from.startsWith('.')
      ? join(dirname(module.path), origin.from)
      : this.#folders.has(origin.from) && join(this.#folders.get(origin.from), 'dist/index.js');
    const other = path ? this.#module(path) : null;
    return other === null ? undefined : this.#declaration(other, origin.name);
  }

  #evaluate(module, node) {
    if (ts.isNumericLiteral(node)) return Number(node.text);
    if (ts.isParenthesizedExpression(node)) return this.#evaluate(module, node.expression);
    if (ts.isIdentifier(node)) return this.#value(module, node.text);
    if (ts.isPrefixUnaryExpression(node)) {
      const operand = this.#evaluate(module, node.operand);
      return operand === undefined ? undefined : unary.get(node.operator)?.(operand);
    }
    if (!ts.isBinaryExpression(node)) return undefined;
    const left = this.#evaluate(module, node.left);
    const right = left === undefined ? undefined : this.#evaluate(module, node.right);
    return right === undefined ? undefined : binary.get(node.operatorToken.kind)?.(left, right);
  }

  /** The text of a module with the values in place; the same text when there is nothing to do. */
  #inlined(module) {
    const hidden = shadowed(module);
    const edits = [];
    const visit = (node) => {
      if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
      let value;
      if (ts.isPropertyAccessExpression(node) && !hidden.has(node.expression.getText())) {
        value = this.#member(module, node);
      } else if (ts.isIdentifier(node) && !hidden.has(node.text) && module.isBinding(node.text) && isRead(node)) {
        value = this.#value(module, node.text);
      }
      if (value !== undefined && Number.isFinite(value)) edits.push({ node, value });
      else ts.forEachChild(node, visit);
    };
    visit(module.source);
    let { text } = module;
    for (const { node, value } of edits.reverse()) {
      const literal = value < 0 ? `(${value})` : String(value);
      text = `${text.slice(0, node.getStart())}${literal} /* ${node.getText()} */${text.slice(node.end)}`;
    }
    return text;
  }
}

/** Names that something inside the module declares anew: they are left alone. */
function shadowed(module) {
  const names = new Set();
  const visit = (node, depth) => {
    const declares = ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node);
    if (declares && depth > 0 && ts.isIdentifier(node.name)) names.add(node.name.text);
    const inner = ts.isFunctionLike(node) || ts.isBlock(node) || ts.isClassLike(node) ? depth + 1 : depth;
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  visit(module.source, 0);
  return names;
}

/** Whether an identifier is read as a value where it stands. */
function isRead(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  const named = ts.isVariableDeclaration(parent) || ts.isParameter(parent) || ts.isPropertyDeclaration(parent);
  if (named || ts.isMethodDeclaration(parent) || ts.isBindingElement(parent)) return parent.initializer === node;
  return !ts.isFunctionLike(parent) && !ts.isClassLike(parent) && !ts.isShorthandPropertyAssignment(parent);
}

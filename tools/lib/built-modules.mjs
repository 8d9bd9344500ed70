// The modules of built packages, as far as the last steps of a build look at them.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { filesBelow, readJson, writeIfChanged } from './workspace.mjs';

const { SyntaxKind } = ts;

/** A built module: what it declares, imports and passes on, by name. */
class Module {
  constructor(path) {
    this.path = path;
    this.text = readFileSync(path, 'utf8');
    this.source = ts.createSourceFile(path, this.text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
    /** Initializers of the constants of the module. */
    this.constants = new Map();
    /** The statements that declare its functions, classes and constants. */
    this.declarations = new Map();
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
    const isExported = statement.modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword) ?? false;
    const declare = (name) => {
      this.declarations.set(name, statement);
      if (isExported) this.exported.add(name);
    };
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) declare(statement.name.text);
    if (ts.isVariableStatement(statement) && (statement.declarationList.flags & ts.NodeFlags.Const) !== 0) {
      for (const { name, initializer } of statement.declarationList.declarations) {
        if (!ts.isIdentifier(name) || initializer === undefined) continue;
        this.constants.set(name.text, initializer);
        declare(name.text);
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

/** The modules of some built packages, given by their folders; each is read once, until it is rewritten. */
export class BuiltModules {
  /** Folder of each package by name. */
  folders = new Map();
  #modules = new Map();

  constructor(folders) {
    for (const dir of folders) this.folders.set(readJson(join(dir, 'package.json')).name, dir);
  }

  /** Those of the package in `dir`. */
  of(dir) {
    return filesBelow(join(dir, 'dist'), (path) => path.endsWith('.js')).map((path) => this.#module(path));
  }

  /** Gives every module the text that `textOf` makes of it; says how many changed, and reads those anew. */
  rewrite(textOf) {
    const modules = [...this.folders.values()].flatMap((dir) => this.of(dir));
    // All texts come first: to make one, what others declare is looked up.
    const texts = modules.map((module) => ({ path: module.path, text: textOf(module) }));
    const changed = texts.filter(({ path, text }) => writeIfChanged(path, text));
    for (const { path } of changed) this.#modules.delete(path);
    return changed.length;
  }

  /** The module that declares what is `name` in `module`, and its name there; undefined: none of these packages. */
  origin(module, name) {
    if (module.declarations.has(name)) return { module, name };
    const place = module.imports.get(name) ?? module.passedOn.get(name);
    if (place === undefined) return undefined;
    const path = place.from.startsWith('.')
      ? join(dirname(module.path), place.from)
      : this.folders.has(place.from) && join(this.folders.get(place.from), 'dist/index.js');
    const other = path ? this.#module(path) : null;
    return other === null ? undefined : this.origin(other, place.name);
  }

  #module(path) {
    let module = this.#modules.get(path);
    if (module === undefined) this.#modules.set(path, (module = existsSync(path) ? new Module(path) : null));
    return module;
  }
}

/** `text` with `insert` in place of [start, end) for each of `edits`, which do not overlap. */
export function edited(text, edits) {
  let result = text;
  for (const { start, end, insert } of [...edits].sort((a, b) => b.start - a.start)) {
    result = result.slice(0, start) + insert + result.slice(end);
  }
  return result;
}

/** Names that something inside the module declares anew: they are left alone. */
export function shadowed(module) {
  const names = new Set();
  const visit = (node, depth) => {
    if (depth > 0 && declaresName(node) && ts.isIdentifier(node.name)) names.add(node.name.text);
    const inner = ts.isFunctionLike(node) || ts.isBlock(node) || ts.isClassLike(node) ? depth + 1 : depth;
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  visit(module.source, 0);
  return names;
}

function declaresName(node) {
  if (ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node)) return true;
  return (ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node) || ts.isClassLike(node)) && node.name;
}

/** Whether an identifier is read as a value where it stands. */
export function isRead(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  const named = ts.isVariableDeclaration(parent) || ts.isParameter(parent) || ts.isPropertyDeclaration(parent);
  if (named || ts.isMethodDeclaration(parent) || ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isArrowFunction(parent)) return parent.body === node;
  if (ts.isMetaProperty(parent) || ts.isShorthandPropertyAssignment(parent)) return false;
  return !ts.isFunctionLike(parent) && !ts.isClassLike(parent);
}

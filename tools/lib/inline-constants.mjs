// Puts the values of numeric constants where the built packages use them.
//
// An engine reads an imported (or exported) binding from memory at each use, checks that it is a number and unpacks it:
// it might change. In a loop over page table entries that is most of the time. Values in place are part of the code, as
// if each module had a private copy of every constant. TypeScript would do it for `const enum`, which this repository
// does not use: types must be erasable.
import { relative } from 'node:path';
import ts from 'typescript';
import { edited, isRead, shadowed } from './built-modules.mjs';

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

/** The numeric constants of built packages. */
export class Constants {
  #modules;
  #values = new Map();

  constructor(modules) {
    this.#modules = modules;
  }

  /** What every exported constant is, by its place. */
  get values() {
    const values = {};
    for (const [name, dir] of this.#modules.folders) {
      for (const module of this.#modules.of(dir)) {
        for (const [constant, initializer] of module.constants) {
          if (!module.exported.has(constant)) continue;
          const place = `${name} ${relative(dir, module.path)} ${constant}`;
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
    return this.#modules.rewrite((module) => this.#inlined(module));
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
    const origin = this.#modules.origin(module, name);
    const initializer = origin?.module.constants.get(origin.name);
    return initializer === undefined ? undefined : { module: origin.module, initializer };
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
      if (value === undefined || !Number.isFinite(value)) {
        ts.forEachChild(node, visit);
      } else {
        const literal = value < 0 ? `(${value})` : String(value);
        edits.push({ start: node.getStart(), end: node.end, insert: `${literal} /* ${node.getText()} */` });
      }
    };
    visit(module.source);
    return edited(module.text, edits);
  }
}

// Gives each module of the built packages constants of its own for the functions and classes that it uses.
//
// An imported or exported binding, and every declared function, could change as far as the engine knows: compiled code
// reads it from memory at each use and compares it with what it was, even where the call itself is inlined. A constant
// that only its module sees is part of the code. So a module begins with `const find$ = find;` and uses `find$` in its
// functions. No two modules need each other to load (see layer-rules.mjs), so what is imported is there by then.
import ts from 'typescript';
import { edited, isRead, shadowed } from './built-modules.mjs';

/** Rewrites `modules`, the {@link BuiltModules} of some packages; gives how many files changed. */
export function bindPrivately(modules) {
  return modules.rewrite((module) => rewritten(modules, module));
}

/** The text of a module that uses constants of its own; the same text when it does. No line moves. */
function rewritten(modules, module) {
  const uses = usesInFunctions(module.source, bindable(modules, module));
  const names = [...new Set(uses.map((node) => node.text))];
  return edited(module.text, [
    ...uses.map((node) => insertion(node.end, '$')),
    ...names.map((name) => insertion(placeFor(module, name), ` const ${name}$ = ${name};`)),
  ]);
}

const insertion = (at, insert) => ({ start: at, end: at, insert });

/** Names of the module that it can have constants for. Its own constants that nobody else sees are such already. */
function bindable(modules, module) {
  const hidden = shadowed(module);
  const names = new Set();
  for (const name of [...module.imports.keys(), ...module.declarations.keys()]) {
    const isPrivate = module.constants.has(name) && !module.exported.has(name);
    if (isPrivate || hidden.has(name) || module.constants.has(`${name}$`)) continue;
    if (modules.origin(module, name) !== undefined) names.add(name);
  }
  return names;
}

/** Where any of `names` is read in a function: code outside of functions runs once, before some of the constants. */
function usesInFunctions(source, names) {
  const uses = [];
  const visit = (node, inFunction) => {
    if (ts.isIdentifier(node) && inFunction && names.has(node.text) && isRead(node)) uses.push(node);
    ts.forEachChild(node, (child) => visit(child, inFunction || ts.isFunctionLike(node)));
  };
  visit(source, false);
  return uses;
}

/** Behind the declaration of a class or constant; functions and what is imported are there from the beginning. */
function placeFor(module, name) {
  const declaration = module.declarations.get(name);
  if (declaration !== undefined && !ts.isFunctionDeclaration(declaration)) return declaration.end;
  return module.source.statements.findLast((statement) => ts.isImportDeclaration(statement))?.end ?? 0;
}

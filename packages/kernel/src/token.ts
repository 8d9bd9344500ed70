import 'reflect-metadata';
import { type DependencyContainer, type InjectionToken, container, instanceCachingFactory } from 'tsyringe';

declare const contract: unique symbol;

/**
 * A name under which a container holds a value of type T. The symbol is a registered one (`Symbol.for`), so that two
 * copies of a package in one program still mean the same: token names are public API.
 */
export type Token<T> = symbol & { readonly [contract]?: T };

/** Makes a token; `name` reads `@vmakit/PACKAGE/Name`. */
export function token<T>(name: string): Token<T> {
  return Symbol.for(name) as Token<T>;
}

/** A container that composes one kernel. Nothing resolves from it once the kernel stands. */
export type Container = DependencyContainer;

/** A container of its own, never tsyringe's global one. */
export function createContainer(): Container {
  return container.createChildContainer();
}

/** Says how the value of `name` is made: once for each container, when it is first wanted. */
export function bind<T>(to: Container, name: Token<T>, make: (from: Container) => T): void {
  to.register(name as InjectionToken<T>, { useFactory: instanceCachingFactory<T>((from) => make(from)) });
}

/** The value of `name`. Throws when nothing is bound to it. */
export function get<T>(from: Container, name: Token<T>): T {
  return from.resolve<T>(name as InjectionToken<T>);
}

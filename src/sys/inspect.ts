/** Gives a class its look in console.log and util.inspect, by the symbol that Node reserves for that. */
export function inspectAs<T>(type: { readonly prototype: T }, look: (value: T) => string): void {
  Object.defineProperty(type.prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: T): string {
      return look(this);
    },
  });
}

/** A value for JSON, which has no bigints: a bigint is a number where that is exact, and else a string. */
export function jsonOf(value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

import { type Abi, abis } from './sys/layout.ts';

/** The number of a constant of `<sys/event.h>`; undefined where the system does not support it. */
export function supported({ quirks, constants }: Abi, constant: string): number | undefined {
  return quirks.unsupported.includes(constant) ? undefined : constants[constant];
}

/** The RangeError for what a system does not support. It names the systems that do: those with any of the constants. */
export function notSupported(argument: string, feature: string, abi: Abi, ...constants: string[]): RangeError {
  const having = Object.values(abis).filter(
    (one) => one.bindable && constants.some((constant) => supported(one, constant) !== undefined),
  );
  const systems = having.length === 0 ? 'no system has it' : `only ${having.map(({ title }) => title).join(', ')}`;
  const error = new RangeError(
    `${argument}: ${feature} is not supported on ${abi.title} (${constants.join(', ')}: ${systems})`,
  );
  return Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}

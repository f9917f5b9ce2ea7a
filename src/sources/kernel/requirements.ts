/** What some program or board expects of a kernel. Option names are without CONFIG_. */
export type KernelRequirements = {
  /** Where the list was read. */
  readonly source: string;
  /** Holds for boards with this fragment; for all where it is left out. */
  readonly when?: string | undefined;
  /** Does not hold for boards with this fragment. */
  readonly unless?: string | undefined;
  /** y or m. */
  readonly on: readonly string[];
  /** y: needed before modules can be loaded. */
  readonly builtIn: readonly string[];
  readonly off: readonly string[];
  /** On the source's list and left out here: option → reason. */
  readonly except: Readonly<Record<string, string>>;
};

/** Whether a list is about a kernel with these fragments. */
export function holdsFor({ when, unless }: KernelRequirements, fragments: readonly string[]): boolean {
  return (when === undefined || fragments.includes(when)) && (unless === undefined || !fragments.includes(unless));
}

/** What a kernel does not meet of a list; nothing where the list is about other boards. */
export function unmetRequirements(
  list: KernelRequirements,
  fragments: readonly string[],
  valueOf: (name: string) => string,
): readonly string[] {
  if (!holdsFor(list, fragments)) return [];
  const isOn = (name: string): boolean => ['y', 'm'].includes(valueOf(name));
  return [
    ...list.on.filter((name) => !isOn(name)).map((name) => `${name} is off`),
    ...list.builtIn.filter((name) => valueOf(name) !== 'y').map((name) => `${name} is ${valueOf(name)}, not built in`),
    ...list.off.filter(isOn).map((name) => `${name} is on`),
  ];
}

import type { EnvironmentValue } from '../environment.ts';
import type { Path } from '../path.ts';
import type { Problem } from '../problems.ts';

/** What the environment of one older system means. Pure: nothing but the values it is given decides. */
export interface Preset {
  readonly name: PresetName;
  /** How people call the system. */
  readonly title: string;
  /** Every variable it reads; `docs/presets.md` is made of these tables. */
  readonly variables: readonly PresetVariable[];
  /** Other names that belong to the system and have no meaning here, such as those of its images. */
  readonly foreign?: readonly string[];
  /** Names with this beginning can only be meant for this system: an unknown one is a slip. */
  readonly prefix?: string;
  /** Paragraphs of the manual about what is different, and why. */
  readonly differences: readonly string[];
  /** Whether these variables can hardly belong to anything else. */
  detect(has: (name: string) => boolean): boolean;
  /** Everything that is more than copying a value to its place. */
  arrange(draft: Draft): void;
}

export const presetNames = ['nocodb', 'nestjs-starter', 'ops-center', 'nocobase', 'tma-cloud'] as const;
type PresetName = (typeof presetNames)[number];

export interface PresetVariable {
  readonly name: string;
  /** Other names of the same thing. Two of them with different values are an error. */
  readonly also?: readonly string[];
  /** The setting it becomes: `retention.last` is one of the source, `storages.s3.bucket` one of the whole. */
  readonly to: string;
  /** What holds where it is not given. */
  readonly standard?: string;
  /** The value goes to its setting as it is. Without it, `arrange` decides. */
  readonly copied?: boolean;
  readonly secret?: boolean;
  readonly about: string;
}

export interface PresetResult {
  readonly tree: unknown;
  /** By path. */
  readonly origins: ReadonlyMap<string, PresetOrigin>;
  /** Everything that is wrong, at once. */
  readonly problems: readonly Problem[];
  /** Worth knowing, nothing to do. */
  readonly notes: readonly string[];
  /** Something is not as it may be believed to be. */
  readonly warnings: readonly string[];
}

export interface PresetOrigin {
  /** The variables it is made of; none: a default of the system. */
  readonly values: readonly EnvironmentValue[];
  /** The only value stands there just as it was given, so that a reference to it means the same. */
  readonly copied: boolean;
  readonly secret: boolean;
}

/** The settings a preset is building, and everything it has to say about them. */
export interface Draft {
  readonly source: string;
  /** The value of a variable under any of its names. */
  said(name: string): EnvironmentValue | null;
  /** Its text, or the system's own default. */
  text(name: string): string | null;
  /** The `.env` file it was read from; null: it is a variable of this process, or not given. */
  fileOf(name: string): string | null;
  /** True or false, as the older systems wrote it; nonsense is a problem and counts as the default. */
  truth(name: string): boolean;
  /** A whole number within bounds, likewise. */
  whole(name: string, bounds: { from: number; to: number }): number;
  /** One of several words, likewise. */
  choice(name: string, allowed: readonly string[]): string;
  list(name: string): string[];
  /** Puts variables where their lines in the table say, those not given with the default. */
  copy(...names: string[]): void;
  /** A setting that follows from variables; without any of them given, from the system's defaults. */
  set(path: Path, value: unknown, ...from: string[]): void;
  /** A setting of the source. */
  own(path: string, value: unknown, ...from: string[]): void;
  problem(name: string, message: string): void;
  note(text: string): void;
  warn(text: string): void;
}

const wholeKeys = ['instance', 'timezone', 'storages', 'alerts', 'monitor', 'scheduler'];

/** Where a setting of the tables stands. */
export function pathOf(to: string, source: string): Path {
  const path = to.split('.');
  return wholeKeys.includes(path[0] ?? '') ? path : ['sources', source, ...path];
}

/** Every name that a variable goes by. */
export function namesOf({ name, also = [] }: PresetVariable): string[] {
  return [name, ...also];
}

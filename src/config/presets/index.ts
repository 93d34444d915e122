import { nestjsStarter } from './nestjs-starter.ts';
import { nocobase } from './nocobase.ts';
import { nocodb } from './nocodb.ts';
import { opsCenter } from './ops-center.ts';
import type { Preset } from './preset.ts';
import { tmaCloud } from './tma-cloud.ts';

/** Every preset: a new one is a file beside the others and a line here. */
export const presets: readonly Preset[] = [nocodb, nestjsStarter, opsCenter, nocobase, tmaCloud];

import type { Command } from '../command.ts';
import { backup } from './backup.ts';
import { completion } from './completion.ts';
import { config } from './config.ts';
import { copy } from './copy.ts';
import { deleteBackup } from './delete.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { download } from './download.ts';
import { drill } from './drill.ts';
import { hold, release } from './hold.ts';
import { importDump } from './import.ts';
import { init } from './init.ts';
import { inspect } from './inspect.ts';
import { key } from './key.ts';
import { list } from './list.ts';
import { logs } from './logs.ts';
import { nbdata } from './nbdata.ts';
import { prune } from './prune.ts';
import { rebuild } from './rebuild.ts';
import { restore } from './restore.ts';
import { runs } from './runs.ts';
import { schema } from './schema.ts';
import { show } from './show.ts';
import { status } from './status.ts';
import { verify } from './verify.ts';

/** Every command there is, in the order of the help. */
export const commands: readonly Command[] = [
  demo,
  init,
  doctor,
  completion,
  backup,
  importDump,
  nbdata,
  copy,
  restore,
  download,
  verify,
  drill,
  status,
  list,
  show,
  inspect,
  runs,
  logs,
  prune,
  deleteBackup,
  hold,
  release,
  rebuild,
  key,
  config,
  schema,
];

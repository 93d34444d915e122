import type { Command } from '../command.ts';
import { alerts } from './alerts.ts';
import { backup } from './backup.ts';
import { cancel } from './cancel.ts';
import { collation } from './collation.ts';
import { check } from './check.ts';
import { completion } from './completion.ts';
import { config } from './config.ts';
import { copy } from './copy.ts';
import { deleteBackup } from './delete.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { download } from './download.ts';
import { drill } from './drill.ts';
import { health } from './health.ts';
import { hold, release } from './hold.ts';
import { importDump } from './import.ts';
import { init } from './init.ts';
import { inspect } from './inspect.ts';
import { key } from './key.ts';
import { list } from './list.ts';
import { logs } from './logs.ts';
import { nbdata } from './nbdata.ts';
import { nocodb } from './nocodb.ts';
import { prune } from './prune.ts';
import { rebuild } from './rebuild.ts';
import { report } from './report.ts';
import { restore } from './restore.ts';
import { restoreAttachments, restoreRecords, restoreSchema } from './restore-bases.ts';
import { restoreFiles } from './restore-files.ts';
import { runs } from './runs.ts';
import { schema } from './schema.ts';
import { serve } from './serve.ts';
import { show } from './show.ts';
import { status } from './status.ts';
import { storage } from './storage.ts';
import { token } from './token.ts';
import { user } from './user.ts';
import { verify } from './verify.ts';
import { waitForDatabase } from './wait-for-database.ts';

/** Every command there is, in the order of the help. */
export const commands: readonly Command[] = [
  demo,
  init,
  doctor,
  completion,
  backup,
  serve,
  importDump,
  nbdata,
  copy,
  restore,
  restoreFiles,
  restoreSchema,
  restoreRecords,
  restoreAttachments,
  download,
  verify,
  drill,
  status,
  check,
  report,
  health,
  list,
  show,
  inspect,
  runs,
  logs,
  alerts,
  cancel,
  prune,
  deleteBackup,
  hold,
  release,
  rebuild,
  key,
  user,
  token,
  storage,
  waitForDatabase,
  collation,
  nocodb,
  config,
  schema,
];

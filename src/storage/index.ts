import type { z } from 'zod';
import { localOptions } from './local/options.ts';
import { localStorage } from './local/local.ts';
import { rcloneOptions } from './rclone/options.ts';
import { rcloneStorage } from './rclone/rclone.ts';
import { s3Options } from './s3/options.ts';
import { s3Storage } from './s3/s3.ts';
import { sftpOptions } from './sftp/options.ts';
import { sftpStorage } from './sftp/sftp.ts';
import type { Storage, StorageContext } from './storage.ts';
import { webdavOptions } from './webdav/options.ts';
import { webdavStorage } from './webdav/webdav.ts';

/** Every kind of storage: a new one is a folder beside `local` and a line here. */
export const storages = {
  local: { schema: localOptions, create: localStorage },
  s3: { schema: s3Options, create: s3Storage },
  sftp: { schema: sftpOptions, create: sftpStorage },
  webdav: { schema: webdavOptions, create: webdavStorage },
  rclone: { schema: rcloneOptions, create: rcloneStorage },
} as const;

type Kind = keyof typeof storages;
type Options = { [K in Kind]: z.output<(typeof storages)[K]['schema']> };
type Creators = { [K in Kind]: { create(name: string, options: Options[K], context: StorageContext): Storage } };

/** The storage that options of any kind describe. */
export function createStorage<K extends Kind>(
  kind: K,
  name: string,
  options: Options[K],
  context: StorageContext,
): Storage {
  const creators: Creators = storages;
  return creators[kind].create(name, options, context);
}

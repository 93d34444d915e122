import { z } from 'zod';
import type { Route } from '../contract.ts';

const source = z.object({ source: z.string().min(1).max(200).optional() });
const file = z.object({ filename: z.string().min(1).max(300) });
const done = z.object({ success: z.boolean(), message: z.string() });
const metadata = z.object({
  filename: z.string(),
  timestamp: z.string(),
  created_at: z.string(),
  database: z.string(),
  size_bytes: z.number(),
  size_mb: z.number(),
  description: z.string().nullable(),
  compressed: z.boolean(),
});
const status = z.object({
  enabled: z.boolean(),
  backup_directory: z.string(),
  retention_days: z.number().nullable(),
  max_backups: z.number().nullable(),
  interval_hours: z.number().nullable(),
  total_backups: z.number(),
  auto_backup_enabled: z.boolean(),
  total_size_mb: z.number(),
});
const limit = (most: number) => z.number().int().min(1).max(most).optional();

export const opsBase = '/api/backups';

/** The routes of Ops-Center, below `/api/backups`, with and without a slash at the end. */
export const opsRoutes = {
  opsCreate: {
    method: 'POST',
    path: '',
    summary: 'As Ops-Center has it: take a backup and wait for its end',
    deed: 'createBackup',
    action: 'backup',
    query: source,
    body: z.object({ description: z.string().max(500).nullish() }).prefault({}),
    response: done.extend({ backup: metadata }),
  },
  opsList: {
    method: 'GET',
    path: '',
    summary: 'As Ops-Center has it: backups, newest first',
    action: 'read',
    query: source,
    response: z.array(
      metadata.pick({ filename: true, size_mb: true, created_at: true, description: true, compressed: true }),
    ),
  },
  opsRestore: {
    method: 'POST',
    path: '/restore',
    summary: 'As Ops-Center has it: replace the live database, which is backed up first',
    deed: 'restore',
    action: 'restore',
    enduring: true,
    query: source,
    body: z.object({ backup_filename: z.string().min(1).max(300) }),
    response: done.extend({ backup_file: z.string() }),
  },
  opsStatus: {
    method: 'GET',
    path: '/status',
    summary: 'As Ops-Center has it: settings and totals',
    action: 'read',
    query: source,
    response: status,
  },
  opsCleanup: {
    method: 'POST',
    path: '/cleanup',
    summary: 'As Ops-Center has it: apply retention',
    deed: 'prune',
    action: 'prune',
    query: source,
    response: done,
  },
  opsSettings: {
    method: 'PUT',
    path: '/settings',
    summary: 'As Ops-Center has it: limits and schedule, kept in the configuration file',
    deed: 'changeSettings',
    action: 'settings',
    query: source,
    body: z.object({
      retention_days: limit(36_500),
      max_backups: limit(1_000_000),
      interval_hours: limit(8760),
      auto_backup_enabled: z.boolean().optional(),
    }),
    response: done.extend({ settings: status.partial() }),
  },
  opsDownload: {
    method: 'GET',
    path: '/download/{filename}',
    summary: 'As Ops-Center has it: a plain dump as SQL in gzip; anything else as the tar of the whole backup',
    deed: 'downloadBackup',
    action: 'download',
    enduring: true,
    params: file,
    query: source,
    response: 'stream',
  },
  opsDelete: {
    method: 'DELETE',
    path: '/{filename}',
    summary: 'As Ops-Center has it: remove a backup from all storages',
    deed: 'deleteBackup',
    action: 'delete',
    params: file,
    query: source,
    response: done,
  },
} as const satisfies Record<string, Route>;

export type OpsRoutes = typeof opsRoutes;

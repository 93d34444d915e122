import type { RouteName } from '../../../../src/api/contract.ts';

/** What is written down, as the server calls it, in the order people look for it. */
export const deeds = [
  'signIn',
  'signOut',
  'createBackup',
  'restore',
  'undoRestore',
  'planPrune',
  'planRestore',
  'downloadBackup',
  'downloadArtifact',
  'deleteBackup',
  'changeBackup',
  'verifyBackup',
  'drillBackup',
  'copyBackup',
  'prune',
  'cancelRun',
  'changeSettings',
  'importFile',
  'testAlerts',
  'createUser',
  'changeUser',
  'removeUser',
  'createToken',
  'revokeToken',
  'changePassword',
  'beginTotp',
  'confirmTotp',
  'removeTotp',
  'setUp',
] as const satisfies readonly RouteName[];

export type Deed = (typeof deeds)[number];

export function isDeed(action: string): action is Deed {
  return (deeds as readonly string[]).includes(action);
}

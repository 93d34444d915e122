import { ActionIcon, Checkbox, Menu } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconCopyPlus,
  IconDots,
  IconDownload,
  IconEye,
  IconHistory,
  IconLock,
  IconLockOpen,
  IconRefreshDot,
  IconShieldCheck,
  IconTrash,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { BackupView, SourceView } from '../../../../src/api/contract.ts';
import { addressOf, call } from '../../api/client.ts';
import { useMay } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { useAct } from '../../parts/toasts.tsx';
import { useBegin } from '../../parts/use-begin.ts';
import { useFormat } from '../../parts/use-format.ts';

interface BackupActionsProps {
  source: SourceView;
  backup: BackupView;
  /** On its own page. */
  inside?: boolean;
  onDeleted?: () => void;
}

const icon = { size: 16, 'aria-hidden': true } as const;

/** Everything that can be done with one backup by whoever looks at it. */
export function BackupActions({ source, backup, inside = false, onDeleted }: BackupActionsProps) {
  const { t } = useTranslation();
  const { id } = backup;
  const params = { source: source.name, id };
  const may = {
    verify: useMay('verify'),
    drill: useMay('drill'),
    restore: useMay('restore'),
    download: useMay('download'),
    copy: useMay('copy'),
    hold: useMay('hold'),
    delete: useMay('delete'),
  };
  const [deleting, asked] = useDisclosure();
  const verify = useBegin(() => call('POST', '/backups/{source}/{id}/verify', { params, body: {} }));
  const drill = useBegin(() => call('POST', '/backups/{source}/{id}/drill', { params, body: {} }));
  const copy = useBegin((to: string) => call('POST', '/backups/{source}/{id}/copy', { params, body: { to } }));
  const hold = useHold(backup);
  const whole = backup.state === 'complete';
  const missing = Object.keys(backup.copies).filter((storage) => backup.copies[storage] !== 'complete');
  if (inside && Object.values(may).every((each) => !each)) return null;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon
            variant={inside ? 'default' : 'subtle'}
            color="gray"
            size={inside ? 36 : 'md'}
            aria-label={t('source.actionsOf', { id })}
          >
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {inside ? null : (
            <Menu.Item
              component={Link}
              href={`/sources/${encodeURIComponent(source.name)}/${id}`}
              leftSection={<IconEye {...icon} />}
            >
              {t('source.open')}
            </Menu.Item>
          )}
          {may.verify ? (
            <Menu.Item leftSection={<IconShieldCheck {...icon} />} onClick={() => verify.mutate()}>
              {t('source.verify')}
            </Menu.Item>
          ) : null}
          {may.drill && whole ? (
            <Menu.Item leftSection={<IconRefreshDot {...icon} />} onClick={() => drill.mutate()}>
              {t('source.drill')}
            </Menu.Item>
          ) : null}
          {may.restore && whole ? (
            <Menu.Item
              component={Link}
              href={`/restore?source=${encodeURIComponent(source.name)}&id=${encodeURIComponent(id)}`}
              leftSection={<IconHistory {...icon} />}
            >
              {t('source.restoreIt')}
            </Menu.Item>
          ) : null}
          {may.download && whole ? (
            <Menu.Item
              component="a"
              href={addressOf('/backups/{source}/{id}/download', params)}
              download
              leftSection={<IconDownload {...icon} />}
            >
              {t('source.download')}
            </Menu.Item>
          ) : null}
          {may.copy && whole
            ? missing.map((storage) => (
                <Menu.Item key={storage} leftSection={<IconCopyPlus {...icon} />} onClick={() => copy.mutate(storage)}>
                  {t('source.copyTo', { storage })}
                </Menu.Item>
              ))
            : null}
          {may.hold ? (
            <Menu.Item
              leftSection={backup.held ? <IconLockOpen {...icon} /> : <IconLock {...icon} />}
              onClick={() => hold.mutate(!backup.held)}
            >
              {backup.held ? t('source.release') : t('source.hold')}
            </Menu.Item>
          ) : null}
          {may.delete ? (
            <>
              <Menu.Divider role="separator" />
              <Menu.Item c="var(--mantine-color-error)" leftSection={<IconTrash {...icon} />} onClick={asked.open}>
                {t('source.delete')}
              </Menu.Item>
            </>
          ) : null}
        </Menu.Dropdown>
      </Menu>
      <DeleteDialog
        source={source}
        backup={backup}
        opened={deleting}
        onClose={asked.close}
        onBegun={() => {
          asked.close();
          onDeleted?.();
        }}
      />
    </>
  );
}

function useHold({ source, id }: BackupView) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  return useAct(
    (held: boolean) => call('PATCH', '/backups/{source}/{id}', { params: { source, id }, body: { held } }),
    (_result, held, toasts) => {
      toasts.done(held ? t('source.isHeld', { id }) : t('source.isReleased', { id }));
      for (const key of ['backups', 'backup']) void queries.invalidateQueries({ queryKey: [key] });
    },
  );
}

interface DeleteDialogProps {
  source: SourceView;
  backup: BackupView;
  opened: boolean;
  onClose: () => void;
  onBegun: () => void;
}

/** The name of the source has to be typed: the same click on another page would be another loss. */
function DeleteDialog({ source, backup, opened, onClose, onBegun }: DeleteDialogProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [allowLast, setAllowLast] = useState(false);
  const remove = useBegin(
    () =>
      call('DELETE', '/backups/{source}/{id}', {
        params: { source: source.name, id: backup.id },
        ...(allowLast ? { query: { allowLast: 'true' } } : {}),
      }),
    onBegun,
  );
  const there = Object.keys(backup.copies).filter(
    (storage) => !['missing', 'pending'].includes(backup.copies[storage] ?? ''),
  );
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('source.deleteTitle')}
      word={source.name}
      label={t('source.deleteIt')}
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      {t('source.deleteText', {
        source: source.name,
        at: format.short(backup.createdAt),
        size: format.bytes(backup.bytes),
        storages: there.join(', '),
      })}
      {source.newest?.id === backup.id ? (
        <Checkbox
          mt="sm"
          label={t('source.deleteLast')}
          checked={allowLast}
          onChange={(event) => setAllowLast(event.currentTarget.checked)}
        />
      ) : null}
    </Confirm>
  );
}

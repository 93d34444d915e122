import { Button, Checkbox, FileInput, Group, PasswordInput, Progress, Stack, Text } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, Problem } from '../../api/client.ts';
import { useLive } from '../../api/live.ts';
import { useMay } from '../../api/session.ts';
import { upload } from '../../api/upload.ts';
import { Refusal } from '../../parts/refusal.tsx';
import { useFormat } from '../../parts/use-format.ts';

interface UploadDumpProps {
  source: string;
  /** With the id of the backup it has become. */
  onTaken: (id: string) => void;
}

/** A dump from this computer becomes a backup of the source, to be restored like any other. */
export function UploadDump({ source, onTaken }: UploadDumpProps) {
  const { t } = useTranslation();
  const mayImport = useMay('import');
  const [opened, setOpened] = useState(false);
  if (!mayImport) return null;
  if (!opened) {
    return (
      <Button
        variant="default"
        w="fit-content"
        maw="100%"
        h="auto"
        mih={36}
        py={6}
        styles={{ label: { whiteSpace: 'normal', textAlign: 'start' } }}
        leftSection={<IconUpload size={16} aria-hidden />}
        onClick={() => setOpened(true)}
      >
        {t('restore.upload')}
      </Button>
    );
  }
  return (
    <Form
      source={source}
      onTaken={(id) => {
        setOpened(false);
        onTaken(id);
      }}
      onClose={() => setOpened(false)}
    />
  );
}

function Form({ source, onTaken, onClose }: UploadDumpProps & { onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const maySettings = useMay('settings');
  const [file, setFile] = useState<File | null>(null);
  const [password, setPassword] = useState('');
  const [superuser, setSuperuser] = useState(false);
  const [share, setShare] = useState<number | null>(null);
  const over = useRef<AbortController | null>(null);
  useEffect(() => () => over.current?.abort(), []);
  const send = useMutation({
    mutationFn: async (chosen: File) => {
      const controller = new AbortController();
      over.current = controller;
      setShare(0);
      const { run } = await upload({
        source,
        file: chosen,
        password: password === '' ? null : password,
        superuser,
        onProgress: setShare,
        signal: controller.signal,
      });
      return run;
    },
    onSettled: () => setShare(null),
  });
  const run = useImport(send.data?.id ?? null, async (id) => {
    await queries.invalidateQueries({ queryKey: ['backups', source] });
    onTaken(id);
  });
  const working = send.isPending || (run !== undefined && run.finishedAt === null);
  const failed = run?.error ? new Problem(500, { ...run.error, detail: run.error.message }) : null;
  const problem = send.error ?? failed;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (file && !working) send.mutate(file);
      }}
    >
      <Stack gap="sm">
        <FileInput
          label={t('restore.file')}
          description={t('restore.fileText')}
          placeholder={t('restore.chooseFile')}
          value={file}
          onChange={(chosen) => {
            setFile(chosen);
            setSuperuser(false);
          }}
          disabled={working}
          clearable
          clearButtonProps={{ 'aria-label': t('restore.otherFile') }}
        />
        <PasswordInput
          label={t('restore.filePassword')}
          description={t('restore.filePasswordText')}
          autoComplete="off"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          disabled={working}
        />
        <Refusal error={problem} />
        {maySettings && (superuser || codeOf(problem) === 'IMPORT_SUPERUSER') ? (
          <Checkbox
            label={t('restore.trustFile')}
            description={t('restore.trustFileText')}
            checked={superuser}
            onChange={(event) => setSuperuser(event.currentTarget.checked)}
            disabled={working}
          />
        ) : null}
        {share === null ? null : (
          <>
            <Progress value={share * 100} aria-label={t('restore.uploading')} />
            <Text size="sm" c="dimmed">
              {format.bytes(share * (file?.size ?? 0))} / {format.bytes(file?.size ?? 0)}
            </Text>
          </>
        )}
        <Group gap="xs">
          <Button type="submit" disabled={file === null} loading={working}>
            {t('restore.takeIn')}
          </Button>
          <Button variant="default" onClick={onClose}>
            {t('confirm.cancel')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function codeOf(error: Error | null): string | null {
  return error instanceof Problem ? error.code : null;
}

/** Follows what was sent until it is a backup. */
function useImport(id: string | null, onDone: (backup: string) => Promise<void>) {
  const live = useLive();
  const { data: run } = useQuery({
    queryKey: ['run', id ?? ''],
    queryFn: ({ signal }) => call('GET', '/runs/{id}', { params: { id: id ?? '' }, signal }),
    enabled: id !== null,
    refetchInterval: ({ state }) => (state.data?.finishedAt ? false : live ? 5_000 : 1_000),
  });
  const told = useRef('');
  useEffect(() => {
    if (!run || run.backup === null || told.current === run.id) return;
    if (run.state !== 'succeeded' && run.state !== 'partial') return;
    told.current = run.id;
    void onDone(run.backup);
  }, [run, onDone]);
  return run;
}

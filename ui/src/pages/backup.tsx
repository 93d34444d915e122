import { Alert, Card, Code, Group, List } from '@mantine/core';
import { IconAlertTriangle, IconDownload, IconHistory } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useLocation, useParams } from 'wouter';
import type { BackupView } from '../../../src/api/contract.ts';
import { addressOf, call, Problem } from '../api/client.ts';
import { useMay } from '../api/session.ts';
import { Copy } from '../parts/copy.tsx';
import { LinkButton } from '../parts/link-button.tsx';
import { Page, Section } from '../parts/page.tsx';
import { RunProgress } from '../parts/run-progress.tsx';
import { Said } from '../parts/said.tsx';
import { savedIn } from '../parts/saved.ts';
import { Shown } from '../parts/shown.tsx';
import { useFormat } from '../parts/use-format.ts';
import { BackupActions } from './source/backup-actions.tsx';
import { AppContents } from './backup/app-contents.tsx';
import { BackupFacts } from './backup/backup-facts.tsx';
import { ByHand } from './backup/by-hand.tsx';
import { Contents } from './backup/contents.tsx';
import { Copies } from './backup/copies.tsx';
import { Files } from './backup/files.tsx';
import { Folders } from './backup/folders.tsx';
import type { BackupDetail, ShownManifest } from './backup/manifest.ts';
import { ProofHistory } from './backup/proof-history.tsx';

function isOfUnknownSource(error: Error | null): boolean {
  return error instanceof Problem && error.code === 'SOURCE_UNKNOWN';
}

/** One backup: what it is, what is inside, where it lies, and how it comes back. */
export function Backup() {
  const { t } = useTranslation();
  const format = useFormat();
  const { source = '', id = '' } = useParams();
  const backup = useQuery({
    queryKey: ['backup', source, id],
    queryFn: ({ signal }) => call('GET', '/backups/{source}/{id}', { params: { source, id }, signal }),
  });
  const found = backup.data?.backup;
  const parent = { label: source, path: `/sources/${encodeURIComponent(source)}` };
  return (
    <Page
      title={found ? t('backup.title', { at: format.short(found.createdAt) }) : id}
      above={[{ label: t('nav.overview'), path: '/' }, parent]}
      about={
        found ? (
          <Group gap={4} wrap="nowrap">
            <Code>{found.id}</Code>
            <Copy text={found.id} what={t('backup.id')} />
          </Group>
        ) : null
      }
      actions={found ? <Actions backup={found} /> : null}
    >
      <Shown query={backup} lines={6} {...(isOfUnknownSource(backup.error) ? {} : { back: parent })}>
        {(detail) => <Content detail={detail} />}
      </Shown>
    </Page>
  );
}

function useSource(name: string) {
  return useQuery({
    queryKey: ['source', name],
    queryFn: ({ signal }) => call('GET', '/sources/{source}', { params: { source: name }, signal }),
  });
}

function Actions({ backup }: { backup: BackupView }) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const { source, id } = backup;
  const [mayRestore, mayDownload] = [useMay('restore'), useMay('download')];
  const whole = backup.state === 'complete';
  const { data } = useSource(source);
  return (
    <>
      {mayRestore && whole ? (
        <LinkButton
          to={`/restore?source=${encodeURIComponent(source)}&id=${encodeURIComponent(id)}`}
          leftSection={<IconHistory size={16} aria-hidden />}
        >
          {t('source.restoreIt')}
        </LinkButton>
      ) : null}
      {mayDownload && whole ? (
        <LinkButton
          download
          to={addressOf('/backups/{source}/{id}/download', { source, id })}
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
        >
          {t('source.download')}
        </LinkButton>
      ) : null}
      {data ? (
        <BackupActions
          inside
          source={data}
          backup={backup}
          onDeleted={() => go(`/sources/${encodeURIComponent(source)}`)}
        />
      ) : null}
    </>
  );
}

function Content({ detail }: { detail: BackupDetail }) {
  const { t } = useTranslation();
  const { backup, proofs } = detail;
  // Read back and checked against its schema by the server; named here by what this page shows of it.
  const manifest = detail.manifest as ShownManifest | null;
  const { trees, app } = savedIn(manifest);
  const { data: source } = useSource(backup.source);
  const running = source?.running.filter((run) => run.backup === backup.id) ?? [];
  return (
    <>
      {running.map((run) => (
        <RunProgress key={run.id} run={run} />
      ))}
      {manifest === null ? (
        <Alert variant="light" color="yellow" icon={<IconAlertTriangle aria-hidden />} title={t('backup.unreadable')}>
          {t('backup.unreadableText')}
        </Alert>
      ) : null}
      {manifest !== null && manifest.warnings.length > 0 ? (
        <Alert variant="light" color="yellow" icon={<IconAlertTriangle aria-hidden />} title={t('backup.warnings')}>
          <List size="sm">
            {manifest.warnings.map((warning) => (
              <List.Item key={warning}>
                <Said text={warning} />
              </List.Item>
            ))}
          </List>
        </Alert>
      ) : null}
      <Card withBorder padding="md">
        <BackupFacts backup={backup} manifest={manifest} />
      </Card>
      <Section title={t('backup.copies')}>
        <Copies detail={detail} />
      </Section>
      {manifest?.database ? (
        <Section title={t('backup.contents')}>
          <Contents database={manifest.database} />
        </Section>
      ) : null}
      {trees.length === 0 ? null : (
        <Section title={t('backup.folders')}>
          <Folders trees={trees} />
        </Section>
      )}
      {app ? (
        <Section title={t('backup.app')}>
          <AppContents app={app} />
        </Section>
      ) : null}
      <Section title={t('backup.proofs')}>
        <ProofHistory proofs={proofs} />
      </Section>
      {manifest ? (
        <>
          <Section title={t('backup.files')}>
            <Files backup={backup} artifacts={manifest.artifacts} />
          </Section>
          <Section title={t('backup.byHand')}>
            <ByHand manifest={manifest} />
          </Section>
        </>
      ) : null}
    </>
  );
}

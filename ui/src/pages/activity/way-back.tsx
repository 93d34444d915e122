import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconArrowBackUp } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import type { RunView } from '../../../../src/api/contract.ts';
import { call, Problem } from '../../api/client.ts';
import { rememberRun } from '../../api/own-runs.ts';
import { useMay } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { GuardFindings, GuardState } from '../../parts/guard.tsx';
import { LinkButton } from '../../parts/link-button.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { useToasts } from '../../parts/toasts.tsx';
import { canBeUndone, databaseIn, resultOf } from './result.ts';

/** Of whatever came upon it: a restore was killed in the middle of its swap. */
const halfSwapped = 'DATABASE_HALF_SWAPPED';

/** After a restore: how to get back what was there before. */
export function WayBack({ run }: { run: RunView }) {
  const { t } = useTranslation();
  const mayRestore = useMay('restore');
  const { previous, safety, kept } = resultOf(run);
  if (run.error?.code === halfSwapped && run.source !== null) return <HalfSwapped run={run} source={run.source} />;
  if (run.operation !== 'restore' || run.state !== 'succeeded' || run.source === null) return null;
  if (kept !== null) {
    return (
      <Alert variant="light" color="cyan" icon={<IconArrowBackUp aria-hidden />} title={t('activity.undone')}>
        <Trans i18nKey="activity.undoneText" values={{ kept }} components={{ code: <Code /> }} />
      </Alert>
    );
  }
  if (previous === null && safety === null) return null;
  return (
    <Alert variant="light" color="cyan" icon={<IconArrowBackUp aria-hidden />} title={t('activity.wayBack')}>
      <Stack gap="sm" align="flex-start" style={{ overflowWrap: 'anywhere' }}>
        {previous === null ? null : (
          <Text size="sm">
            <Trans i18nKey="activity.previous" values={{ previous }} components={{ code: <Code /> }} />
          </Text>
        )}
        {safety === null ? null : (
          <Text size="sm">
            <Trans i18nKey="activity.safety" values={{ safety }} components={{ code: <Code /> }} />
          </Text>
        )}
        <Group gap="xs">
          {mayRestore && previous !== null ? <Undo run={run} source={run.source} /> : null}
          {mayRestore && safety !== null ? (
            <LinkButton
              variant="default"
              to={`/restore?source=${encodeURIComponent(run.source)}&id=${encodeURIComponent(safety)}`}
            >
              {t('activity.restoreSafety')}
            </LinkButton>
          ) : null}
        </Group>
      </Stack>
    </Alert>
  );
}

function HalfSwapped({ run, source }: { run: RunView; source: string }) {
  const { t } = useTranslation();
  const mayRestore = useMay('restore');
  const { data } = useQuery({
    queryKey: ['source', source],
    queryFn: ({ signal }) => call('GET', '/sources/{source}', { params: { source }, signal }),
  });
  const restores = useRestores(source);
  const word = databaseIn(data?.database ?? null);
  const taken = restores.data?.some(({ trigger, state, startedAt }) => {
    return trigger === 'undo' && state === 'succeeded' && startedAt > run.startedAt;
  });
  const offered = mayRestore && word !== null && taken === false;
  return (
    <Alert variant="light" color="red" icon={<IconArrowBackUp aria-hidden />} title={t('activity.halfSwapped')}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{taken ? t('activity.takenBack') : t('activity.halfSwappedText')}</Text>
        {offered ? <GoBack source={source} word={word} text={t('activity.takeBackText')} unfinished /> : null}
      </Stack>
    </Alert>
  );
}

function Undo({ run, source }: { run: RunView; source: string }) {
  const { t } = useTranslation();
  const restores = useRestores(source);
  const word = databaseIn(resultOf(run).target);
  if (word === null || !restores.data || !canBeUndone(run, restores.data)) return null;
  return <GoBack source={source} word={word} text={t('activity.undoText')} />;
}

function useRestores(source: string) {
  const query = { source, operation: 'restore', limit: 100 };
  return useQuery({ queryKey: ['runs', query], queryFn: ({ signal }) => call('GET', '/runs', { query, signal }) });
}

interface Offer {
  source: string;
  word: string;
  text: string;
  unfinished?: boolean;
}

/** Asks for the name of the live database first; what stands in the way then can be lifted as before a restore. */
function GoBack({ source, word, text, unfinished = false }: Offer) {
  const { t } = useTranslation();
  const toasts = useToasts();
  const [, go] = useLocation();
  const [asking, setAsking] = useState(false);
  const undo = useMutation({
    mutationFn: (allow: Liftable[]) =>
      call('POST', '/restores/undo', { body: { source, unfinished, allow, confirm: word } }),
    onSuccess: ({ run: begun }) => {
      rememberRun(begun);
      setAsking(false);
      toasts.begun(t('run.begun', { operation: t('operations.restore'), source }));
      go(`/activity/${begun.id}`);
    },
  });
  const ask = (now: boolean) => {
    undo.reset();
    setAsking(now);
  };
  return (
    <>
      <Button color="red" onClick={() => ask(true)}>
        {t('activity.undo')}
      </Button>
      <Confirm
        opened={asking}
        onClose={() => ask(false)}
        title={t('activity.undo')}
        word={word}
        label={t('activity.undo')}
        busy={undo.isPending}
        onConfirm={() => undo.mutate([])}
      >
        <Stack gap="sm">
          {text}
          <Refused error={undo.error} onLift={(allow) => undo.mutate(allow)} />
        </Stack>
      </Confirm>
    </>
  );
}

const liftable = 'app-stopped';
type Liftable = typeof liftable;

function Refused({ error, onLift }: { error: Error | null; onLift: (allow: Liftable[]) => void }) {
  const { t } = useTranslation();
  const guards = error instanceof Problem ? error.guards : [];
  if (guards.length === 0) return <Refusal error={error} />;
  return (
    <Stack gap="xs" align="flex-start" role="alert">
      {guards.map((guard) => (
        <div key={guard.code}>
          <GuardState guard={guard} />
          <GuardFindings guard={guard} />
        </div>
      ))}
      {guards.every(({ code, override }) => code === liftable && override !== null) ? (
        <Button size="compact-sm" variant="default" onClick={() => onLift([liftable])}>
          {t('restore.lifts.allow')}
        </Button>
      ) : null}
    </Stack>
  );
}

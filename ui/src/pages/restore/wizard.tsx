import { Alert, Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import type { RunView, SourceView } from '../../../../src/api/contract.ts';
import { call, Problem } from '../../api/client.ts';
import { rememberRun } from '../../api/own-runs.ts';
import { Refusal } from '../../parts/refusal.tsx';
import { savedIn } from '../../parts/saved.ts';
import { Shown } from '../../parts/shown.tsx';
import { Checklist } from './checklist.tsx';
import { ChooseBackup } from './choose-backup.tsx';
import { ChooseTarget } from './choose-target.tsx';
import { ChooseWhat } from './choose-what.tsx';
import { Step } from './step.tsx';
import { bodyOf, fitted, isComplete, newWish, type Plan, type Wish } from './wish.ts';

interface WizardProps {
  source: string;
  id: string;
  onStarted: (run: RunView, kind: Plan['what']) => void;
}

/** What, where to, what stands in the way, and only then the button. */
export function Wizard({ source, id, onStarted }: WizardProps) {
  const sources = useQuery({ queryKey: ['sources'], queryFn: ({ signal }) => call('GET', '/sources', { signal }) });
  return (
    <Shown query={sources} lines={6}>
      {(all) => {
        const [only, ...others] = all.map(({ name }) => name);
        const chosen = source !== '' || others.length > 0 ? source : (only ?? '');
        return <Steps sources={all} first={newWish(chosen, id)} onStarted={onStarted} />;
      }}
    </Shown>
  );
}

/** What cannot be opened with what the server knows, or with what was typed. */
const locked: ReadonlySet<string> = new Set(['KEY_NEEDED', 'KEY_WRONG', 'PASSPHRASE_WRONG']);

interface StepsProps {
  sources: readonly SourceView[];
  first: Wish;
  onStarted: WizardProps['onStarted'];
}

function Steps({ sources, first, onStarted }: StepsProps) {
  const { t } = useTranslation();
  const [wished, setWish] = useState(first);
  const { source, id } = wished;
  const backup = useQuery({
    queryKey: ['backup', source, id],
    queryFn: ({ signal }) => call('GET', '/backups/{source}/{id}', { params: { source, id }, signal }),
    enabled: id !== '',
  });
  const manifest = backup.data?.manifest ?? null;
  const saved = useMemo(() => savedIn(manifest), [manifest]);
  const inPlace = sources.find(({ name }) => name === source)?.inPlace ?? false;
  const wish = useMemo(() => fitted(wished, saved, inPlace), [wished, saved, inPlace]);
  const look = useMutation({
    mutationFn: async (wanted: Wish) => ({
      wanted,
      plan: await call('POST', '/restores/plan', { body: bodyOf(wanted) }),
    }),
  });
  const asksPassword = (look.error instanceof Problem && locked.has(look.error.code)) || wish.password !== '';
  const [askedPassword, setAskedPassword] = useState(false);
  if (asksPassword && !askedPassword) setAskedPassword(true);
  const complete = isComplete(wish);
  // A plan is worth something only for exactly what it was made for.
  const plan = look.data?.wanted === wish ? look.data.plan : null;
  const lift = (changed: Wish) => {
    setWish(changed);
    look.mutate(changed);
  };
  return (
    <Stack gap="md">
      <Step number={1} title={t('restore.what')} done={wish.id !== ''}>
        <Stack gap="md">
          <ChooseBackup names={sources.map(({ name }) => name)} wish={wish} onChange={setWish} />
          {manifest === null ? null : <ChooseWhat saved={saved} wish={wish} onChange={setWish} />}
        </Stack>
      </Step>
      <Step number={2} title={t('restore.where')} done={complete}>
        <ChooseTarget wish={wish} inPlace={inPlace} onChange={setWish} />
      </Step>
      <Step number={3} title={t('restore.look')} done={plan !== null && !plan.blocked}>
        <Refusal error={look.variables === wish ? look.error : null} />
        {askedPassword ? (
          <PasswordInput
            label={t('restore.password')}
            description={t('restore.passwordText')}
            autoComplete="off"
            w={{ base: '100%', xs: 320 }}
            value={wish.password}
            onChange={(event) => setWish({ ...wish, password: event.currentTarget.value })}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && complete && !look.isPending) look.mutate(wish);
            }}
          />
        ) : null}
        {plan ? <Checklist plan={plan} wish={wish} onLift={lift} busy={look.isPending} /> : null}
        {plan ? null : (
          <Group gap="sm">
            <Button onClick={() => look.mutate(wish)} disabled={!complete} loading={look.isPending}>
              {t(look.data ? 'restore.checkAgain' : 'restore.check')}
            </Button>
            <Text size="sm" c="dimmed">
              {t(complete ? 'restore.checkText' : 'restore.notYet')}
            </Text>
          </Group>
        )}
      </Step>
      {plan && !plan.blocked ? (
        <Step number={4} title={t('restore.start')}>
          <Start plan={plan} wish={wish} onStarted={onStarted} />
        </Step>
      ) : null}
    </Stack>
  );
}

const typeTexts = {
  database: 'restore.typeText',
  files: 'restore.typeTextFiles',
  bases: 'restore.typeTextBases',
} as const;

function Start({ plan, wish, onStarted }: { plan: Plan; wish: Wish; onStarted: WizardProps['onStarted'] }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const { confirm, what: kind } = plan;
  const agreed = confirm === null || typed.trim() === confirm;
  const begin = useMutation({
    mutationFn: () =>
      call('POST', '/restores', {
        // By its id: a newer backup that comes in between is not what was looked at.
        body: { ...bodyOf({ ...wish, id: plan.id }), ...(confirm === null ? {} : { confirm: typed.trim() }) },
      }),
    onSuccess: ({ run }) => {
      rememberRun(run);
      onStarted(run, plan.what);
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (agreed && !begin.isPending) begin.mutate();
      }}
    >
      <Stack gap="md" align="flex-start">
        {confirm === null ? (
          <Text size="sm">{t('restore.nothingReplaced')}</Text>
        ) : (
          <>
            {wish.safetyBackup || kind === 'bases' ? null : (
              <Alert color="yellow" variant="light" icon={<IconAlertTriangle aria-hidden />}>
                {t(kind === 'files' ? 'restore.noSafetyFiles' : 'restore.noSafety')}
              </Alert>
            )}
            <TextInput
              label={<Trans i18nKey="confirm.type" values={{ word: confirm }} components={{ code: <code /> }} />}
              description={t(typeTexts[kind])}
              autoComplete="off"
              w={{ base: '100%', xs: 320 }}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
          </>
        )}
        <Refusal error={begin.error} />
        <Button type="submit" color={confirm === null ? '' : 'red'} disabled={!agreed} loading={begin.isPending}>
          {t('restore.begin')}
        </Button>
      </Stack>
    </form>
  );
}

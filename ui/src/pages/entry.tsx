import { Button, Card, Center, Divider, Group, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useEffect, useEffectEvent } from 'react';
import { addressOf, call, Problem } from '../api/client.ts';
import type { Session } from '../api/session.ts';
import {
  forgetErrand,
  keepWaiting,
  keepWayBack,
  onSignedInElsewhere,
  refusedByProvider,
  tellSignedIn,
} from '../api/sign-in.ts';
import { Refusal } from '../parts/refusal.tsx';
import { problemsEn } from '../words/problems.ts';

/** Sign-in, or as long as there is no user, making the first one. */
export function Entry() {
  const entrance = useQuery({ queryKey: ['entrance'], queryFn: () => call('GET', '/entrance') });
  const { t } = useTranslation();
  useEnteredElsewhere();
  return (
    <Center mih="100vh" p="md">
      <Stack w={380} maw="100%" component="main">
        <Group gap="sm" justify="center">
          <img src="/icon.svg" alt="" width={34} height={34} />
          <Title order={1} size="h2">
            {t('app.name')}
          </Title>
        </Group>
        {entrance.isPending ? null : (
          <Card withBorder p="lg">
            <Stack>
              {entrance.data?.setUp ? <SetUp /> : <SignIn />}
              {entrance.data?.provider ? <ByProvider name={entrance.data.provider} /> : null}
            </Stack>
          </Card>
        )}
      </Stack>
    </Center>
  );
}

function SignIn() {
  const { t } = useTranslation();
  const entered = useEntered();
  const form = useForm({ initialValues: { name: '', password: '', code: '' } });
  const enter = useMutation({
    mutationFn: ({ code, ...rest }: typeof form.values) =>
      call('POST', '/session', { body: { ...rest, ...(code === '' ? {} : { code }) } }),
    onSuccess: (session) => entered(session).finally(tellSignedIn),
  });
  const needsCode = enter.error instanceof Problem && enter.error.code.startsWith('LOGIN_CODE');
  return (
    <form onSubmit={form.onSubmit((values) => enter.mutate(values))}>
      <Stack>
        <Title order={2} size="h3">
          {t('entry.title')}
        </Title>
        <Refusal error={needsCode && form.values.code === '' ? null : (enter.error ?? providersRefusal())} />
        <TextInput label={t('entry.name')} autoComplete="username" required autoFocus {...form.getInputProps('name')} />
        <PasswordInput
          label={t('entry.password')}
          visibilityToggleButtonProps={{ 'aria-label': t('entry.show') }}
          autoComplete="current-password"
          required
          {...form.getInputProps('password')}
        />
        {needsCode || form.values.code !== '' ? (
          <TextInput
            label={t('entry.code')}
            autoComplete="one-time-code"
            required
            autoFocus
            {...form.getInputProps('code')}
          />
        ) : null}
        <Button type="submit" loading={enter.isPending}>
          {t('entry.submit')}
        </Button>
      </Stack>
    </form>
  );
}

/** What is kept of the one who was here before is asked for anew when it is the same one, and forgotten otherwise. */
function useEntered(): (session: Session) => Promise<void> {
  const queries = useQueryClient();
  return (session) => {
    const before = queries.getQueryData<Session>(['session']);
    queries.setQueryData(['session'], session);
    forgetErrand();
    const others = { predicate: ({ queryKey: [about] }: { queryKey: readonly unknown[] }) => about !== 'session' };
    return before?.name === session.name ? queries.invalidateQueries(others) : queries.resetQueries(others);
  };
}

/** Somebody who has signed in in another tab is in here as well. */
function useEnteredElsewhere(): void {
  const entered = useEntered();
  const look = useEffectEvent(() => {
    call('GET', '/session').then(entered, () => undefined);
  });
  useEffect(() => onSignedInElsewhere(look), []);
}

function providersRefusal(): Problem | null {
  const code = refusedByProvider();
  if (code === null) return null;
  return new Problem(403, {
    code: Object.hasOwn(problemsEn, code) ? code : 'PROVIDER_REFUSED',
    detail: '',
    hint: null,
  });
}

/** The provider's page takes the place of ours and leads back; behind what somebody was in the middle of, it gets a tab of its own. */
function ByProvider({ name }: { name: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const isWaiting = queries.getQueryData(['session']) !== undefined;
  return (
    <>
      <Divider label={t('entry.or')} />
      <Button
        component="a"
        variant="default"
        href={addressOf('/session/provider')}
        {...(isWaiting ? { target: '_blank', onClick: keepWaiting } : { onClick: keepWayBack })}
      >
        {t('entry.by', { name })}
      </Button>
      {isWaiting ? (
        <Text size="sm" c="dimmed">
          {t('entry.byInTab')}
        </Text>
      ) : null}
    </>
  );
}

function SetUp() {
  const { t } = useTranslation();
  const entered = useEntered();
  const form = useForm({ initialValues: { token: '', name: '', password: '' } });
  const enter = useMutation({
    mutationFn: (values: typeof form.values) => call('POST', '/setup', { body: values }),
    onSuccess: (session) => entered(session).finally(tellSignedIn),
  });
  return (
    <form onSubmit={form.onSubmit((values) => enter.mutate(values))}>
      <Stack>
        <Title order={2} size="h3">
          {t('entry.setUpTitle')}
        </Title>
        <Text size="sm" c="dimmed">
          {t('entry.setUpText')}
        </Text>
        <Refusal error={enter.error} />
        <TextInput label={t('entry.token')} required autoFocus autoComplete="off" {...form.getInputProps('token')} />
        <TextInput label={t('entry.name')} required autoComplete="username" {...form.getInputProps('name')} />
        <PasswordInput
          label={t('entry.password')}
          visibilityToggleButtonProps={{ 'aria-label': t('entry.show') }}
          required
          autoComplete="new-password"
          {...form.getInputProps('password')}
        />
        <Button type="submit" loading={enter.isPending}>
          {t('entry.setUpSubmit')}
        </Button>
      </Stack>
    </form>
  );
}

import { Alert, Button, Center, Skeleton, Stack, Text, ThemeIcon } from '@mantine/core';
import { IconAlertTriangle, IconInbox } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '../api/client.ts';
import { problemsEn } from '../words/problems.ts';
import { LinkButton } from './link-button.tsx';
import { Said } from './said.tsx';

interface ShownProps<T> {
  query: Pick<UseQueryResult<T>, 'data' | 'error' | 'isPending' | 'isFetching' | 'refetch'>;
  /** How much room what comes will take. */
  lines?: number;
  /** Where to go when there is no such thing; default: the overview. */
  back?: Place;
  children: (data: T) => ReactNode;
}

interface Place {
  label: string;
  path: string;
}

/** What was asked for, or that it is on its way, or why it is not there. What was there once stays while it is asked for again. */
export function Shown<T>({ query, lines = 4, back, children }: ShownProps<T>) {
  const { data, error, isFetching, refetch } = query;
  if (data !== undefined) return children(data);
  if (isUnknown(error)) return <Failure error={error} back={back ?? null} />;
  if (error) return <Failure error={error} again={() => void refetch()} busy={isFetching} />;
  return <Loading lines={lines} />;
}

export function Loading({ lines = 4 }: { lines?: number }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" role="status" aria-label={t('state.loading')}>
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={line === 0 ? 28 : 44} width={line === 0 ? '40%' : '100%'} />
      ))}
    </Stack>
  );
}

/** Asking again would not make it be there. */
function isUnknown(error: Error | null): error is Problem {
  return error instanceof Problem && error.status === 404;
}

interface FailureProps {
  error: Error;
  again?: () => void;
  busy?: boolean;
  /** A way back instead; null: to the overview. */
  back?: Place | null;
}

/** What went wrong and what to do about it. */
export function Failure({ error, again, busy = false, back }: FailureProps) {
  const { t } = useTranslation();
  const { text, hint } = useWhatToDo()(error);
  return (
    <Alert role="alert" variant="light" color="red" icon={<IconAlertTriangle aria-hidden />} title={t('state.failed')}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          <Said text={text} />
        </Text>
        {hint === null ? null : (
          <Text size="sm">
            <Said text={hint} />
          </Text>
        )}
        {back === undefined ? null : (
          <LinkButton size="xs" variant="default" to={back?.path ?? '/'}>
            {back?.label ?? t('nav.overview')}
          </LinkButton>
        )}
        {again === undefined ? null : (
          <Button size="xs" variant="default" onClick={again} loading={busy}>
            {t('state.again')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** Texts for people: the server's own, or ours where there was no server to say anything. */
export function useWhatToDo(): (error: Error) => { text: string; hint: string | null } {
  const { t } = useTranslation();
  return (error) => {
    if (!(error instanceof Problem)) return { text: error.message, hint: null };
    // A proxy that finds no daemon behind itself.
    const unreachable = error.code === 'UNREACHABLE' || /^HTTP_50[234]$/.test(error.code);
    if (unreachable) return { text: t('problem.unreachable'), hint: t('problem.unreachableHint') };
    if (error.code === 'NOT_SIGNED_IN') return { text: t('problem.signedOut'), hint: t('problem.signedOutHint') };
    if (error.code === 'NOT_ALLOWED') return { text: t('problem.notAllowed'), hint: t('problem.notAllowedHint') };
    const { code } = error;
    if (isKnown(code)) {
      const values = { seconds: error.retryAfter };
      return { text: t(`problems.${code}.text`, values), hint: t(`problems.${code}.hint`, values) };
    }
    return { text: `${error.message} (${code})`, hint: error.hint };
  };
}

function isKnown(code: string): code is keyof typeof problemsEn {
  return Object.hasOwn(problemsEn, code);
}

export function Empty({ title, text, action }: { title?: string; text?: string; action?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <Center py="xl">
      <Stack align="center" gap="xs" maw={440} ta="center">
        <ThemeIcon variant="light" color="gray" size={48} radius="xl">
          <IconInbox size={26} aria-hidden />
        </ThemeIcon>
        <Text fw={600}>{title ?? t('state.nothing')}</Text>
        {text === undefined ? null : (
          <Text size="sm" c="dimmed">
            {text}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  );
}

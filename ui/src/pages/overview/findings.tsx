import { Anchor, Box, Button, Card, Group, Stack, Text, ThemeIcon } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconRefresh } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { SourceView } from '../../../../src/api/contract.ts';
import { call } from '../../api/client.ts';
import { StateBadge } from '../../parts/badge.tsx';
import { findingsEn } from '../../words/findings.ts';
import { Said } from '../../parts/said.tsx';
import { Shown } from '../../parts/shown.tsx';
import { Time, useNow } from '../../parts/time.tsx';
import { useAct } from '../../parts/toasts.tsx';
import { useFormat } from '../../parts/use-format.ts';
import { failedSince } from './failed-since.ts';
import { hasDetails, valuesOf } from './finding-values.ts';

const ask = (fresh: boolean, signal?: AbortSignal) =>
  call('GET', '/check', { ...(fresh ? { query: { fresh: 'true' } } : {}), ...(signal ? { signal } : {}) });
type Check = Awaited<ReturnType<typeof ask>>;
type Finding = Check['findings'][number];

/** What is not as it should be, worst first, each with what it means and what to do. */
export function Findings({ sources }: { sources: readonly SourceView[] }) {
  const check = useQuery({
    queryKey: ['check'],
    queryFn: ({ signal }) => ask(false, signal),
    // Of a state that cannot be written nobody is told: that nothing can be written down about it is the trouble.
    refetchInterval: 60_000,
  });
  return (
    <Shown query={check} lines={2}>
      {(found) => (
        <Stack gap="sm">
          <Verdict check={found} sources={sources} />
          {found.findings
            .toSorted((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical'))
            .map((finding) => (
              <FindingCard key={[finding.code, finding.source, finding.storage].join('|')} finding={finding} />
            ))}
        </Stack>
      )}
    </Shown>
  );
}

const looks = {
  news: { color: 'yellow', icon: IconAlertTriangle },
  old: { color: 'yellow', icon: IconAlertTriangle },
  ok: { color: 'teal', icon: IconCircleCheck },
  warning: { color: 'yellow', icon: IconAlertTriangle },
  critical: { color: 'red', icon: IconAlertTriangle },
  unknown: { color: 'gray', icon: IconCircleDashed },
} as const;

function Verdict({ check, sources }: { check: Check; sources: readonly SourceView[] }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const now = useNow();
  const look = useAct(
    () => ask(true),
    (fresh) => queries.setQueryData(['check'], fresh),
  );
  // All that was found stands below; but of a look that found nothing, nobody would look any further.
  const news = check.status === 'ok' ? failedSince(check.at ?? '', sources) : [];
  const isOld = check.status === 'ok' && check.goodUntil !== null && now > new Date(check.goodUntil);
  const status = news.length > 0 ? 'news' : isOld ? 'old' : check.status;
  const { color, icon: Icon } = looks[status];
  const count = check.findings.length;
  const title = {
    news: t('overview.news'),
    old: t('overview.old'),
    ok: t('overview.fine'),
    warning: t('overview.warning', { count }),
    critical: t('overview.critical', { count }),
    unknown: t('overview.unknown'),
  }[status];
  return (
    <Card withBorder padding="md">
      <Group justify="space-between" gap="sm">
        <Group gap="md" wrap="nowrap">
          <ThemeIcon variant="light" color={color} size={46} radius="xl">
            <Icon size={26} aria-hidden />
          </ThemeIcon>
          <Box>
            <Text fw={650} size="lg" role="status">
              {title}
            </Text>
            <Text size="sm" c="dimmed" component="div">
              {status === 'ok' ? `${t('overview.fineText')} ` : null}
              {status === 'news' ? `${t('overview.newsText', { sources: news.join(', ') })} ` : null}
              {status === 'old' ? `${t('overview.oldText')} ` : null}
              {check.status === 'unknown' ? t('overview.unknownText') : null}
              {check.at === null ? null : (
                <>
                  {t('overview.looked')} <Time at={check.at} />
                </>
              )}
            </Text>
          </Box>
        </Group>
        <Button
          variant="default"
          leftSection={<IconRefresh size={16} aria-hidden />}
          loading={look.isPending}
          onClick={() => look.mutate()}
        >
          {t('overview.look')}
        </Button>
      </Group>
    </Card>
  );
}

function FindingCard({ finding }: { finding: Finding }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { severity, source, storage, code } = finding;
  const { message, meaning, hint } = finding;
  const known = isKnown(code) ? code : null;
  return (
    <Card
      withBorder
      padding="md"
      style={{ borderLeft: `4px solid var(--mantine-color-${severity === 'critical' ? 'red' : 'yellow'}-6)` }}
    >
      <Group justify="space-between" gap="xs" mb={4}>
        <Group gap="sm">
          <StateBadge state={severity} />
          <Text fw={600}>{known ? t(`findings.${known}.title`) : <Said text={message} />}</Text>
        </Group>
        <Text size="sm" c="dimmed" component="div">
          {source === null ? (
            (storage ?? t('overview.all'))
          ) : (
            <Anchor component={Link} href={`/sources/${encodeURIComponent(source)}`} size="sm" underline="always">
              {source}
            </Anchor>
          )}{' '}
          · {code}
        </Text>
      </Group>
      {known ? (
        <Text size="sm">
          <Said text={t(`findings.${known}.text`, valuesOf(finding, format))} />
        </Text>
      ) : (
        <Text size="sm" lang="en">
          <Said text={meaning} />
        </Text>
      )}
      {known && hasDetails(code) ? (
        // Names, and errors of other programs: the server's own words, and those are English.
        <Text size="sm" c="dimmed" lang="en" mt={2}>
          <Said text={message} />.
        </Text>
      ) : null}
      <Text size="sm" mt={6}>
        <Text span fw={600} size="sm">
          {t('overview.hint')}:{' '}
        </Text>
        <Said text={known ? t(`findings.${known}.todo`) : hint} />
      </Text>
    </Card>
  );
}

function isKnown(code: string): code is keyof typeof findingsEn {
  return code in findingsEn;
}

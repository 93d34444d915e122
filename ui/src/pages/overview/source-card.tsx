import { Anchor, Box, Button, Card, Group, Stack, Text } from '@mantine/core';
import { IconDatabaseExport } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { SourceView } from '../../../../src/api/contract.ts';
import { useMay } from '../../api/session.ts';
import { useBackUp } from '../../parts/back-up.ts';
import { Facts } from '../../parts/facts.tsx';
import { RunProgress } from '../../parts/run-progress.tsx';
import { SourceState } from '../../parts/source-state.tsx';
import { useSourceFacts } from '../../parts/source-facts.tsx';
import { usePlace } from '../../parts/use-place.ts';

export function SourceCard({ source }: { source: SourceView }) {
  const { t } = useTranslation();
  const place = usePlace();
  const mayBackUp = useMay('backup');
  const backUp = useBackUp();
  const facts = useSourceFacts(source);
  return (
    <Card withBorder padding="md" component="article" aria-label={source.name}>
      <Stack gap="md">
        <Group justify="space-between" gap="sm">
          <Box miw={0}>
            <Group gap="sm">
              <Anchor
                component={Link}
                href={`/sources/${encodeURIComponent(source.name)}`}
                fw={650}
                size="lg"
                miw={0}
                style={{ overflowWrap: 'anywhere' }}
              >
                {source.name}
              </Anchor>
              <SourceState source={source} />
            </Group>
            <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {[place(source.database), source.encrypted ? t('overview.encrypted') : null].filter(Boolean).join(' · ')}
            </Text>
          </Box>
          {mayBackUp ? (
            <Button
              variant="default"
              size="sm"
              leftSection={<IconDatabaseExport size={16} aria-hidden />}
              aria-label={t('overview.backUpOf', { source: source.name })}
              loading={backUp.isPending}
              disabled={source.running.some(({ operation }) => operation === 'backup')}
              onClick={() => backUp.mutate({ source: source.name, description: null })}
            >
              {t('overview.backUp')}
            </Button>
          ) : null}
        </Group>
        <Facts items={facts} cols={{ base: 2, sm: 3, lg: 5 }} />
        {source.running.map((run) => (
          <RunProgress key={run.id} run={run} plain />
        ))}
      </Stack>
    </Card>
  );
}

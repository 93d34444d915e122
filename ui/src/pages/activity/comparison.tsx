import { Card, Group, Stack, Text } from '@mantine/core';
import { IconShieldCheck, IconShieldX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { DataTable } from '../../parts/data-table.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Section } from '../../parts/page.tsx';
import { useFormat } from '../../parts/use-format.ts';
import type { Compared } from './result.ts';

/** What was counted on both sides, and every difference. */
export function Comparison({ compared }: { compared: Compared }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { differences } = compared;
  const whole = differences.length === 0;
  const nothingCounted = compared.tables === 0 && compared.uncounted > 0;
  const same = nothingCounted ? 'activity.found' : 'activity.same';
  const Shape = whole ? IconShieldCheck : IconShieldX;
  return (
    <Section title={t('activity.compared')}>
      <Card withBorder>
        <Stack gap="md">
          <Group gap="xs" wrap="nowrap" align="flex-start">
            <Shape size={20} color={`var(--mantine-color-${whole ? 'teal' : 'red'}-7)`} aria-hidden />
            <Text size="sm">{t(whole ? same : 'activity.different', { count: differences.length })}</Text>
          </Group>
          <Facts
            items={[
              { name: t('activity.tables'), value: format.number(compared.tables) },
              { name: t('activity.rows'), value: format.number(compared.rows) },
              { name: t('activity.sequences'), value: format.number(compared.sequences) },
              ...(['contents', 'contentUnknown', 'uncounted'] as const)
                .filter((which) => compared[which] > 0)
                .map((which) => ({ name: t(`activity.${which}`), value: format.number(compared[which]) })),
            ]}
          />
          {whole ? null : (
            <DataTable
              label={t('activity.differences')}
              rows={differences}
              keyOf={({ name, reason }) => `${reason} ${name}`}
              columns={[
                { title: t('activity.name'), cell: ({ name }) => name },
                { title: t('activity.reason'), cell: ({ reason }) => t(`activity.reasons.${reason}`) },
                { title: t('activity.expected'), right: true, cell: ({ expected }) => expected ?? '–' },
                { title: t('activity.actual'), right: true, cell: ({ actual }) => actual ?? '–' },
              ]}
            />
          )}
        </Stack>
      </Card>
    </Section>
  );
}

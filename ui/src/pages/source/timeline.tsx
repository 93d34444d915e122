import { Box, Card, Group, Text, Tooltip, VisuallyHidden } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { BackupView } from '../../../../src/api/contract.ts';
import { useFormat } from '../../parts/use-format.ts';
import { placesInTime } from './places-in-time.ts';
import classes from './timeline.module.css';

/** Backups where they lie in time: gaps and heaps are seen at once. For keyboards and screen readers the list below is the way. */
export function Timeline({ backups }: { backups: readonly BackupView[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const newest = backups[0];
  const oldest = backups.at(-1);
  if (!newest || !oldest || newest === oldest) return null;
  const places = placesInTime(backups.map(({ createdAt }) => createdAt));
  const label = t('source.timelineLabel', {
    count: backups.length,
    from: format.short(oldest.createdAt),
    until: format.short(newest.createdAt),
  });
  return (
    <Card withBorder padding="sm">
      <VisuallyHidden>{label}</VisuallyHidden>
      <Box aria-hidden className={classes['line'] ?? ''}>
        {backups.map(({ id, source, createdAt, state, drilled, held }, at) => (
          <Tooltip
            key={id}
            label={[format.short(createdAt), t(`states.${state}`), drilled?.ok ? t('source.drilled') : null]
              .filter(Boolean)
              .join(' · ')}
          >
            <Link
              href={`/sources/${encodeURIComponent(source)}/${id}`}
              tabIndex={-1}
              className={classes['dot'] ?? ''}
              data-state={state}
              data-proven={drilled?.ok === true}
              data-held={held}
              style={{ left: `${places[at] ?? 0}%` }}
            />
          </Tooltip>
        ))}
      </Box>
      <Group justify="space-between" mt={4}>
        <Text size="xs" c="dimmed">
          {format.short(oldest.createdAt)}
        </Text>
        <Text size="xs" c="dimmed">
          {format.short(newest.createdAt)}
        </Text>
      </Group>
    </Card>
  );
}

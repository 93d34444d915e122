import { Alert, Box, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { Trans, useTranslation } from 'react-i18next';
import { Facts } from '../../parts/facts.tsx';
import { GuardFindings, GuardState } from '../../parts/guard.tsx';
import classes from './checklist.module.css';
import { usePlace } from '../../parts/use-place.ts';
import { PlannedBases, PlannedFiles } from './planned-parts.tsx';
import { liftOf, type Plan, type Wish } from './wish.ts';

interface ChecklistProps {
  plan: Plan;
  wish: Wish;
  /** With something changed that lifts a guard. */
  onLift: (wish: Wish) => void;
  busy: boolean;
}

/** What it would do, and every guard with what it found. */
export function Checklist({ plan, wish, onLift, busy }: ChecklistProps) {
  const { t } = useTranslation();
  const place = usePlace();
  const { id, what, mode, target, guards, files, blocked } = plan;
  return (
    <Stack gap="md">
      <Facts
        cols={{ base: 1, sm: 3 }}
        items={[
          { name: t('restore.backup'), value: <Code>{id}</Code> },
          { name: t('restore.target'), value: place(target) },
          {
            name: t('restore.way'),
            value:
              mode === null
                ? t('restore.throughApi')
                : what === 'files'
                  ? t('restore.filesWay')
                  : t(`restore.ways.${mode}`),
          },
        ]}
      />
      <PlannedFiles files={files} />
      <PlannedBases plan={plan} />
      {guards.length === 0 ? null : (
        <Box component="ul" className={classes['list'] ?? ''} aria-label={t('restore.guardList')}>
          {guards.map((guard) => (
            <li key={guard.code} className={classes['guard']}>
              <GuardState guard={guard} />
              <div className={classes['detail']}>
                <GuardFindings guard={guard} />
              </div>
              {guard.result === 'block' ? (
                <Lift override={guard.override} wish={wish} onLift={onLift} busy={busy} />
              ) : null}
            </li>
          ))}
        </Box>
      )}
      {blocked ? (
        <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} role="status">
          {t('restore.blocked')}
        </Alert>
      ) : null}
    </Stack>
  );
}

function Lift({
  override,
  wish,
  onLift,
  busy,
}: {
  override: string | null;
  wish: Wish;
  onLift: (wish: Wish) => void;
  busy: boolean;
}) {
  const { t } = useTranslation();
  const lift = liftOf(override);
  if (lift) {
    return (
      <Group>
        <Button size="compact-sm" variant="default" onClick={() => onLift(lift.change(wish))} loading={busy}>
          {t(`restore.lifts.${lift.word}`)}
        </Button>
      </Group>
    );
  }
  return (
    <Text size="sm" c="dimmed">
      {override === null ? (
        t('restore.noLift')
      ) : (
        <Trans i18nKey="restore.otherLift" values={{ override }} components={{ code: <Code /> }} />
      )}
    </Text>
  );
}

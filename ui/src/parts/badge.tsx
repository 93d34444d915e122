import { Group, Text, Tooltip, type MantineColor } from '@mantine/core';
import {
  IconAlertTriangle,
  IconBan,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconClock,
  IconLoader2,
  IconShieldCheck,
  IconShieldX,
  type Icon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { BackupView, RunView } from '../../../src/api/contract.ts';
import classes from './badge.module.css';

type State = RunView['state'] | BackupView['copies'][string] | 'warning' | 'critical' | 'ok' | 'unknown';

const looks: Record<State, { icon: Icon; color: MantineColor }> = {
  ok: { icon: IconCircleCheck, color: 'teal' },
  complete: { icon: IconCircleCheck, color: 'teal' },
  succeeded: { icon: IconCircleCheck, color: 'teal' },
  running: { icon: IconLoader2, color: 'cyan' },
  queued: { icon: IconClock, color: 'gray' },
  pending: { icon: IconClock, color: 'yellow' },
  partial: { icon: IconAlertTriangle, color: 'yellow' },
  warning: { icon: IconAlertTriangle, color: 'yellow' },
  unreadable: { icon: IconAlertTriangle, color: 'red' },
  incomplete: { icon: IconCircleDashed, color: 'yellow' },
  missing: { icon: IconCircleDashed, color: 'gray' },
  unknown: { icon: IconCircleDashed, color: 'gray' },
  cancelled: { icon: IconBan, color: 'gray' },
  corrupt: { icon: IconCircleX, color: 'red' },
  failed: { icon: IconCircleX, color: 'red' },
  critical: { icon: IconCircleX, color: 'red' },
};

/** A state in a word beside a sign; the colour only repeats what both say. */
export function StateBadge({ state, label, told }: { state: State; label?: string; told?: string }) {
  const { t } = useTranslation();
  const { icon, color } = looks[state];
  return (
    <Sign icon={icon} color={color} label={label ?? t(`states.${state}`)} {...(told === undefined ? {} : { told })} />
  );
}

/** Whether somebody has looked: verified or drilled, well or not. */
export function ProofBadge({ ok, label, told }: { ok: boolean; label: string; told?: string }) {
  return (
    <Sign
      icon={ok ? IconShieldCheck : IconShieldX}
      color={ok ? 'teal' : 'red'}
      label={label}
      {...(told === undefined ? {} : { told })}
    />
  );
}

export function Sign({
  icon: Shape,
  color,
  label,
  told,
}: {
  icon: Icon;
  color: MantineColor;
  label: string;
  told?: string;
}) {
  const sign = (
    <Group gap={5} wrap="nowrap" display="inline-flex" style={{ verticalAlign: 'bottom' }}>
      <Shape
        size={17}
        color={`var(--sign-${color}, var(--mantine-color-${color}-7))`}
        aria-hidden
        style={{ flex: 'none' }}
      />
      <Text span size="sm" className={classes['label'] ?? ''}>
        {label}
      </Text>
    </Group>
  );
  return told === undefined ? sign : <Tooltip label={told}>{sign}</Tooltip>;
}

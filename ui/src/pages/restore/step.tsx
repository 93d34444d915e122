import { Card, Group, Stack, ThemeIcon, Title } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';

interface StepProps {
  number: number;
  title: string;
  /** All that was needed here is said. */
  done?: boolean;
  children: ReactNode;
}

/** One of few steps on one page. */
export function Step({ number, title, done = false, children }: StepProps) {
  return (
    <Card withBorder component="section" aria-label={title}>
      <Stack gap="md">
        <Group gap="sm" wrap="nowrap">
          <ThemeIcon radius="xl" size={28} variant={done ? 'filled' : 'default'} aria-hidden>
            {done ? <IconCheck size={16} /> : number}
          </ThemeIcon>
          <Title order={3} size="h4">
            {title}
          </Title>
        </Group>
        {children}
      </Stack>
    </Card>
  );
}

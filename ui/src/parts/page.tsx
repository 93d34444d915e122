import { Anchor, Box, Breadcrumbs, Group, Stack, Text, Title } from '@mantine/core';
import { useEffect, type ReactNode } from 'react';
import { Link } from 'wouter';

interface PageProps {
  title: string;
  /** A line under the title. */
  about?: ReactNode;
  /** What stands above it, outermost first. */
  above?: { label: string; path: string }[];
  actions?: ReactNode;
  children: ReactNode;
}

const wrapping = { breadcrumb: { whiteSpace: 'normal', overflowWrap: 'anywhere' } } as const;

/** What every page begins with: where one is, what it is called, what can be done here. */
export function Page({ title, about, above, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Holdfast`;
  }, [title]);
  return (
    <Stack gap="lg" maw={1240} mx="auto">
      <Stack gap={4}>
        {above === undefined ? null : (
          <Breadcrumbs component="nav" separatorMargin={6} style={{ flexWrap: 'wrap' }} styles={wrapping}>
            {above.map(({ label, path }) => (
              <Anchor key={path} component={Link} href={path} size="sm">
                {label}
              </Anchor>
            ))}
          </Breadcrumbs>
        )}
        <Group justify="space-between" align="flex-start" gap="sm">
          <Box miw={0} style={{ flex: '1 1 16rem' }}>
            <Title order={2} size="h2" style={{ overflowWrap: 'anywhere' }}>
              {title}
            </Title>
            {about === undefined ? null : (
              <Text component="div" c="dimmed" size="sm" style={{ overflowWrap: 'anywhere' }}>
                {about}
              </Text>
            )}
          </Box>
          {actions === undefined ? null : <Group gap="xs">{actions}</Group>}
        </Group>
      </Stack>
      {children}
    </Stack>
  );
}

/** A part of a page with a heading of its own. */
export function Section({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <Stack gap="sm" component="section" aria-label={title}>
      <Group justify="space-between" gap="xs">
        <Title order={3} size="h4">
          {title}
        </Title>
        {actions === undefined ? null : <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

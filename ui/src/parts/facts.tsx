import { Box, SimpleGrid, Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** Small facts side by side, each under its name. */
export function Facts({ items, cols }: { items: { name: string; value: ReactNode }[]; cols?: Record<string, number> }) {
  return (
    <SimpleGrid component="dl" m={0} cols={cols ?? { base: 2, md: 4 }} spacing="md" verticalSpacing="sm">
      {items.map(({ name, value }) => (
        <Box key={name} miw={0}>
          <Text component="dt" size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="dd" m={0} size="sm" style={{ overflowWrap: 'anywhere' }}>
            {value}
          </Text>
        </Box>
      ))}
    </SimpleGrid>
  );
}

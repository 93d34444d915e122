import { Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Command } from '../../parts/copy.tsx';
import type { ShownManifest } from './manifest.ts';
import { recoverySteps } from './recovery.ts';

/** What to type where there is no Holdfast any more. */
export function ByHand({ manifest }: { manifest: ShownManifest }) {
  const { t } = useTranslation();
  const server = serverOf(manifest.database?.engine);
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed" maw={760}>
        {t('backup.byHandText')} {server === null ? null : t(`backup.byHandServer.${server}`)}
      </Text>
      <Stack component="ol" gap="md" m={0} p={0} style={{ listStyle: 'none' }}>
        {recoverySteps(manifest).map(({ step, text }, at) => {
          const title = t(`backup.steps.${step}`);
          return (
            <li key={step}>
              <Text size="sm" fw={600} mb={4}>
                {at + 1}. {title}
              </Text>
              <Command text={text} what={title} />
            </li>
          );
        })}
      </Stack>
    </Stack>
  );
}

/** Whose programs have to be told where to go. */
function serverOf(engine: string | undefined): 'postgres' | 'mysql' | null {
  if (engine === 'postgres') return 'postgres';
  return engine === 'mysql' || engine === 'mariadb' ? 'mysql' : null;
}

import { ActionIcon, Box, CopyButton, Group, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import classes from './copy.module.css';

/** Puts a text into the clipboard. */
export function Copy({ text, what }: { text: string; what: string }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={text} timeout={2000}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t('copy.copied') : t('copy.copy')}>
          <ActionIcon
            variant="subtle"
            color={copied ? 'teal' : 'gray'}
            onClick={copy}
            aria-label={copied ? t('copy.copied') : t('copy.what', { what })}
          >
            {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** Lines for a terminal. */
export function Command({ text, what }: { text: string; what: string }) {
  return (
    <Group wrap="nowrap" align="flex-start" gap="xs" className={classes['box']}>
      <Box component="pre" className={classes['text']} tabIndex={0} role="region" aria-label={what}>
        {text}
      </Box>
      <Copy text={text} what={what} />
    </Group>
  );
}

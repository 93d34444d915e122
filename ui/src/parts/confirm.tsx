import { Button, Code, Group, Stack, Text, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { Dialog } from './dialog.tsx';

interface ConfirmProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What will happen, and what cannot be undone. */
  children: ReactNode;
  /** Has to be typed before the button works; null where a click is enough. */
  word: string | null;
  label: string;
  danger?: boolean;
  busy?: boolean;
  onConfirm: () => void;
}

/** Asks before something that cannot be taken back. */
export function Confirm(props: ConfirmProps) {
  const { opened, onClose, title } = props;
  return (
    <Dialog opened={opened} onClose={onClose} title={title}>
      {/* Anew each time it opens: what was typed for another thing must not count for this one. */}
      {opened ? <Question {...props} /> : null}
    </Dialog>
  );
}

function Question({ onClose, children, word, label, danger = true, busy = false, onConfirm }: ConfirmProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const agreed = word === null || typed.trim() === word;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (agreed && !busy) onConfirm();
      }}
    >
      <Stack>
        <Text size="sm" component="div">
          {children}
        </Text>
        {word === null ? null : (
          <TextInput
            data-autofocus
            autoComplete="off"
            label={<Trans i18nKey="confirm.type" values={{ word }} components={{ code: <Code /> }} />}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t('confirm.cancel')}
          </Button>
          <Button type="submit" {...(danger ? { color: 'red' } : {})} disabled={!agreed} loading={busy}>
            {label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

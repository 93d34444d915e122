import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useBackUp } from '../../parts/back-up.ts';

interface BackUpDialogProps {
  source: string;
  opened: boolean;
  onClose: () => void;
}

export function BackUpDialog({ source, opened, onClose }: BackUpDialogProps) {
  const { t } = useTranslation();
  const [description, setDescription] = useState('');
  const backUp = useBackUp(() => {
    setDescription('');
    onClose();
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('source.backUpTitle', { source })}
      centered
      closeButtonProps={{ 'aria-label': t('confirm.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const text = description.trim();
          backUp.mutate({ source, description: text === '' ? null : text });
        }}
      >
        <Stack>
          <TextInput
            data-autofocus
            maxLength={500}
            label={t('source.description')}
            description={t('source.descriptionHint')}
            placeholder={t('source.descriptionExample')}
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('confirm.cancel')}
            </Button>
            <Button type="submit" loading={backUp.isPending}>
              {t('source.backUp')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

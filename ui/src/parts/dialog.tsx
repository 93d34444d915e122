import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface DialogProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** Ends by what stands in it only: what it shows would be lost. */
  held?: boolean;
  children: ReactNode;
}

/** Something to say or to ask before the page goes on. */
export function Dialog({ opened, onClose, title, held = false, children }: DialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      centered
      closeOnClickOutside={!held}
      closeOnEscape={!held}
      withCloseButton={!held}
      closeButtonProps={{ 'aria-label': t('confirm.close') }}
    >
      {children}
    </Modal>
  );
}

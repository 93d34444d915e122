import { focusBack } from './parts/focus-back.ts';
import { Alert, createTheme, Menu, Modal, type CSSVariablesResolver } from '@mantine/core';

export const theme = createTheme({
  primaryColor: 'cyan',
  primaryShade: 9,
  autoContrast: true,
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, monospace',
  respectReducedMotion: true,
  components: {
    // Among what it belongs to, and with nothing inside but its items.
    Menu: Menu.extend({ defaultProps: { withinPortal: false, withInitialFocusPlaceholder: false } }),
    // In the colour of the alert, words on its ground have too little contrast.
    Alert: Alert.extend({ styles: { label: { color: 'var(--mantine-color-text)' } } }),
    // Its header would count as a second one of the page.
    Modal: Modal.extend({
      defaultProps: {
        attributes: { header: { role: 'presentation' } },
        onExitTransitionEnd: focusBack,
        styles: { title: { fontWeight: 650 } },
      },
    }),
  },
});

/** Where the library's own colours are too faint to be read on their ground. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#fbfcfc',
    '--mantine-color-dimmed': '#566069',
    '--mantine-color-placeholder': '#6b747c',
    '--mantine-color-error': 'var(--mantine-color-red-9)',
    '--sign-yellow': '#b35c00',
    '--sign-gray': '#66707a',
    '--sign-teal': 'var(--mantine-color-teal-8)',
    '--sign-cyan': 'var(--mantine-color-cyan-8)',
    '--sign-red': 'var(--mantine-color-red-8)',
  },
  dark: {
    '--mantine-color-error': 'var(--mantine-color-red-4)',
    '--mantine-color-dimmed': '#a9adb3',
    '--mantine-color-placeholder': '#9a9ea4',
    '--sign-yellow': 'var(--mantine-color-yellow-5)',
    '--sign-gray': 'var(--mantine-color-gray-5)',
    '--sign-teal': 'var(--mantine-color-teal-4)',
    '--sign-cyan': 'var(--mantine-color-cyan-4)',
    '--sign-red': 'var(--mantine-color-red-5)',
  },
});

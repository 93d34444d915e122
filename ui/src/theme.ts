import { focusBack } from './parts/focus-back.ts';
import {
  Alert,
  Checkbox,
  createTheme,
  Input,
  Menu,
  Modal,
  Radio,
  RadioIndicator,
  type CSSVariablesResolver,
} from '@mantine/core';
import controls from './parts/controls.module.css';

export const theme = createTheme({
  primaryColor: 'cyan',
  primaryShade: 9,
  autoContrast: true,
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, monospace',
  respectReducedMotion: true,
  components: {
    Input: Input.extend({ classNames: { wrapper: controls['field'] ?? '' } }),
    Radio: Radio.extend({ classNames: { radio: controls['choice'] ?? '' } }),
    RadioIndicator: RadioIndicator.extend({ classNames: { indicator: controls['indicator'] ?? '' } }),
    Checkbox: Checkbox.extend({ classNames: { input: controls['choice'] ?? '' } }),
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
    '--control-border': '#868e96',
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
    // Buttons stand on cards, which have the library's colour for them.
    '--mantine-color-default': 'var(--mantine-color-dark-5)',
    '--mantine-color-default-hover': 'var(--mantine-color-dark-4)',
    '--mantine-color-default-border': 'var(--mantine-color-dark-3)',
    '--mantine-color-disabled': 'var(--mantine-color-dark-5)',
    '--mantine-color-disabled-color': '#9a9ea4',
    '--control-border': '#7c8187',
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

import { Code } from '@mantine/core';
import { Fragment } from 'react';

/** Words of the server, which begin small and have commands between backticks, as people read them on a page. */
export function Said({ text }: { text: string }) {
  return text.split('`').map((part, at) => {
    // The parts of one text have no other name than their place.
    const key = `${at}-${part}`;
    if (at % 2 === 1) return <Code key={key}>{part}</Code>;
    return <Fragment key={key}>{at === 0 ? part.charAt(0).toUpperCase() + part.slice(1) : part}</Fragment>;
  });
}

import { Button, type ButtonProps } from '@mantine/core';
import { Link } from 'wouter';

/** Looks like a button and is a link: it can be opened in another tab. A download is left to the browser. */
export function LinkButton({ to, download = false, ...props }: ButtonProps & { to: string; download?: boolean }) {
  return download ? (
    <Button component="a" href={to} download {...props} />
  ) : (
    <Button component={Link} href={to} {...props} />
  );
}

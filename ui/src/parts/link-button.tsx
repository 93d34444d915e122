import { Button, type ButtonProps } from '@mantine/core';
import { Link } from 'wouter';

/** Looks like a button and is a link: it can be opened in another tab. */
export function LinkButton({ to, ...props }: ButtonProps & { to: string }) {
  return <Button component={Link} href={to} {...props} />;
}

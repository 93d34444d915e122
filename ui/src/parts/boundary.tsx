import { Component, type ReactNode } from 'react';
import { Failure } from './shown.tsx';

/** A page that breaks, or whose file is gone because the program was renewed meanwhile, must not take the frame with it. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    return this.state.error ? (
      <Failure error={this.state.error} again={() => window.location.reload()} />
    ) : (
      this.props.children
    );
  }
}

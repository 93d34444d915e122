import type { Style } from './style.ts';
import { printable } from './text.ts';

export interface TreeNode {
  label: string;
  /** Sizes, counts, states: what is known of it, behind the label. */
  detail?: string;
  children?: readonly TreeNode[];
}

export function renderTree(root: TreeNode, style: Style): string[] {
  return [style.bold(printable(root.label)) + detail(root, style), ...branches(root.children ?? [], '', style)];
}

function branches(nodes: readonly TreeNode[], indent: string, style: Style): string[] {
  return nodes.flatMap((node, index) => {
    const last = index === nodes.length - 1;
    const line = style.dim(`${indent}${last ? '└─ ' : '├─ '}`) + printable(node.label) + detail(node, style);
    return [line, ...branches(node.children ?? [], `${indent}${last ? '   ' : '│  '}`, style)];
  });
}

function detail(node: TreeNode, style: Style): string {
  return node.detail === undefined ? '' : `  ${style.dim(printable(node.detail))}`;
}

#!/bin/sh
# Runs after `npm ci`, in a checkout only. npm 10 takes away node_modules/.bin/node when it drops the runtimes of other platforms, whose command
# has the same name (npm 11 does not); without it, npm scripts would run on the machine's own, perhaps older, Node.
for node in node_modules/node-*/bin/node; do
  "$node" --version >/dev/null 2>&1 && ln -sf "../${node#node_modules/}" node_modules/.bin/node
done
exit 0

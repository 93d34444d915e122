import type { Channel, ChannelContext } from '../channel.ts';
import { factsOf } from '../channel-facts.ts';
import { postJson } from '../post.ts';
import { serviceOf } from '../service.ts';
import type { TelegramOptions } from './options.ts';
import { telegramText } from './text.ts';

export function telegramChannel(options: TelegramOptions, context: ChannelContext): Channel {
  const { token, server, chat, thread } = options;
  const service = serviceOf('telegram', options, context, [token, token.split(':')[1]]);
  return {
    ...factsOf('telegram', options),
    send: async (message, signal) => {
      const content = {
        chat_id: chat,
        ...(thread === undefined ? {} : { message_thread_id: thread }),
        text: telegramText(message),
        parse_mode: 'HTML',
        link_preview_options: { is_disabled: true },
        // Good news need not wake anybody.
        disable_notification: message.severity === 'info',
      };
      await postJson(service, { url: `${server}/bot${token}/sendMessage`, content }, signal);
    },
    check: async (signal) => {
      await postJson(service, { url: `${server}/bot${token}/getChat`, content: { chat_id: chat } }, signal);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

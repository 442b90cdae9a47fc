// Restate: a virtual object a cart; its state lives in Restate's key-value store, its commands in Restate's log.
import { createServer } from "node:http2";
import * as restate from "@restatedev/restate-sdk";

const added = (cart, item) => {
  const found = cart.items.find((present) => present.productId === item.productId);
  if (found) {
    found.quantity += item.quantity;
  } else {
    cart.items.push(item);
  }
  return cart;
};

const cart = restate.object({
  name: "cart",
  handlers: {
    add: async (context, { productId, name, quantity }) => {
      if (!(quantity > 0)) {
        throw new restate.TerminalError("The quantity must be positive.", { errorCode: 400 });
      }
      const stored = (await context.get("cart")) ?? { items: [] };
      context.set("cart", added(stored, { productId, name, quantity }));
      return {};
    },
    // Reads run beside the commands of their cart.
    get: restate.handlers.object.shared(async (context) => (await context.get("cart")) ?? { items: [] }),
  },
  // Nobody looks at the journals of finished commands.
  options: { journalRetention: 0 },
});

const endpoint = restate.createEndpointHandler({ services: [cart], bidirectional: true });
const server = createServer(endpoint);
process.on("SIGTERM", () => process.exit(0));
server.listen(Number(process.env.SERVICE_PORT), "127.0.0.1");

// Verifiers that are not ours. One line in: {"judge", "secret", "headers", "body"}; one line out: "" where the
// signature is accepted, else why not. Stripe and svix read the clock themselves.
import { createPublicKey, verify as verifyEd25519 } from "node:crypto";
import { createInterface } from "node:readline";
import { verify as verifyGithub } from "@octokit/webhooks-methods";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix";

const stripe = new Stripe("sk_test_unused");

const JUDGES = {
  standardwebhooks: ({ secret, headers, body }) => new StandardWebhook(secret).verify(body, headers, { jsonParse: false }),
  svix: ({ secret, headers, body }) => new SvixWebhook(secret).verify(body, headers),
  stripe: ({ secret, headers, body }) => stripe.webhooks.constructEvent(body, headers["Stripe-Signature"], secret),
  github: async ({ secret, headers, body }) => {
    if (!(await verifyGithub(secret, body, headers["X-Hub-Signature-256"]))) throw new Error("not the signature");
  },
  // No package of npm or PyPI that we found verifies v1a; this is the specification read once more, with Node's ed25519.
  ed25519: ({ secret, headers, body }) => {
    const x = Buffer.from(secret.slice("whpk_".length), "base64").toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    const signed = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
    const proofs = headers["webhook-signature"].split(" ").map((one) => one.split(","));
    const accepted = ([version, text]) => version === "v1a" && verifyEd25519(null, signed, key, Buffer.from(text, "base64"));
    if (!proofs.some(accepted)) throw new Error("not the signature");
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let answer = "";
  try {
    await JUDGES[asked.judge](asked);
  } catch (refusal) {
    answer = String(refusal);
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

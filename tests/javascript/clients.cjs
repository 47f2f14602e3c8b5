// What the official JavaScript clients make of a running server; prints one line of JSON.
const { OpenAI } = require("openai");
const Anthropic = require("@anthropic-ai/sdk");

const [address, apiKey] = process.argv.slice(2);
const openai = new OpenAI({ baseURL: `${address}/v1`, apiKey, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: address, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Tell me a story." }];

async function main() {
  const told = {};
  const whole = await openai.chat.completions.create({ model: "pierian-instant", messages });
  told.whole = whole.choices[0].message.content;
  told.streamed = "";
  for await (const chunk of await openai.chat.completions.create({ model: "small", messages, stream: true })) {
    told.streamed += chunk.choices[0]?.delta?.content ?? "";
  }
  const first = await openai.responses.create({ model: "small", input: "Tell me a story." });
  told.response = first.output_text;
  const second = await openai.responses.create({ model: "small", input: "Go on.", previous_response_id: first.id });
  told.continued = second.output_text;
  told.events = [];
  for await (const event of await openai.responses.create({ model: "small", input: "Again.", stream: true })) {
    told.events.push(event.type);
  }
  told.models = [];
  for await (const model of openai.models.list()) told.models.push(model.id);
  told.vectors = (await openai.embeddings.create({ model: "small", input: ["a", "b"] })).data.length;
  const message = await anthropic.messages.create({ model: "small", max_tokens: 50, messages });
  told.message = message.content[0].text;
  told.message_streamed = await anthropic.messages.stream({ model: "small", max_tokens: 50, messages }).finalText();
  try {
    await openai.chat.completions.create({ model: "nobody", messages });
  } catch (error) {
    told.error = [error.constructor.name, error.status, error.code];
  }
  const stopped = new AbortController();
  try {
    const stream = await openai.chat.completions.create(
      { model: "small", messages, stream: true },
      { signal: stopped.signal },
    );
    for await (const _ of stream) stopped.abort();
  } catch (error) {
    told.aborted = error.constructor.name;
  }
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

// English texts of the front door. Same keys as zh.js.
export default {
  "title": "kefu · customer service from your own documents",
  "headline": "Customer service that answers from your own documents",
  "lead":
    "Sure answers go out by themselves, the others wait for a person. Where the line runs, the shop decides.",
  "login": "Sign in",
  "door.shop": "I am shopping",
  "door.shop_more": "Visit the demo shop and ask its assistant.",
  "door.console": "I answer buyers",
  "door.console_more": "Review drafts, write, take over.",
  "door.knowledge": "I look after the knowledge",
  "door.knowledge_more": "Upload manuals and policies, see what is found.",
  "door.ops": "I set the bar",
  "door.ops_more": "What may be sent by itself, accounts, widgets.",
  "docs": "HTTP interface for developers",
};

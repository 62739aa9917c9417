// 首页的中文文本，键与 en.js 一致。
export default {
  "title": "kefu · 用自己的资料回答买家",
  "headline": "用店铺自己的资料回答买家",
  "lead": "有把握的回答自动发出，其余的等人审核。这条线划在哪里，由店铺决定。",
  "login": "登录",
  "door.shop": "我来购物",
  "door.shop_more": "逛逛演示店铺，问问它的助手。",
  "door.console": "我是客服",
  "door.console_more": "审核草稿、撰写回复、接管会话。",
  "door.knowledge": "我负责知识库",
  "door.knowledge_more": "上传说明书和规则，看看能找到什么。",
  "door.ops": "我负责运营",
  "door.ops_more": "设定门槛：哪些回答可以自动发送；管理账号和挂件。",
  "docs": "开发者接口文档",
};

// What keys of scripts may do, in both languages: for the page that makes them and for the account that they act as.

export const zh = {
  "scope.drafts": "处理草稿",
  "scope.read_drafts": "查看草稿",
  "scope.knowledge": "修改知识库",
  "scope.read_knowledge": "查看知识库",
  "scope.rehearse": "导入历史问题",
  "scope.judge": "评判演练回答",
  "scope.bars": "停止自动发送",
  "scope.read_bars": "查看门槛与数据",
  "scope.read_records": "查看订单与商品",
  "scope.records": "写入订单与商品",
  "scope.tasks": "处理任务",
};

export const en = {
  "scope.drafts": "Deal with drafts",
  "scope.read_drafts": "See drafts",
  "scope.knowledge": "Change documents",
  "scope.read_knowledge": "See documents",
  "scope.rehearse": "Bring past questions",
  "scope.judge": "Judge rehearsed answers",
  "scope.bars": "Stop automatic sending",
  "scope.read_bars": "See the bar and the numbers",
  "scope.read_records": "See orders and products",
  "scope.records": "Tell orders and products",
  "scope.tasks": "Do tasks",
};

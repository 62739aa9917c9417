// 接口文档的中文文本，键与 en.js 一致。
export default {
  "title": "HTTP 接口",
  "search": "搜索接口",
  "untagged": "其他",
  "parameters": "参数",
  "request": "请求",
  "responses": "响应",
  "example": "示例",
  "no_match": "没有匹配的接口。",
  "col.name": "名称",
  "col.in": "位置",
  "col.type": "类型",
  "col.about": "说明",
};

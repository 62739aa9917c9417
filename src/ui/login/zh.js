// 登录页的中文文本，键与 en.js 一致。
export default {
  sign_in: "登录",
  sign_in_more: "供店铺工作人员使用。",
  email: "邮箱",
  password: "密码",
  code: "验证码",
  code_hint: "身份验证器中的 6 位数字，或一个恢复码。",
  forgot: "忘记密码？请运营同事为您生成新的链接。",
  set_password: "设置密码",
  new_password: "新密码",
  repeat_password: "再输入一次",
  password_hint: "至少 8 个字符。几个词连在一起更好记。",
  differ: "两次输入不一致，请重新输入。",
  no_token: "链接不完整，请打开邀请中的完整链接。",
  password_set: "密码已设置",
  password_set_more: "现在可以用新密码登录。",
};

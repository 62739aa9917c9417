// English texts of the interface reference. Same keys as zh.js.
export default {
  "title": "HTTP interface",
  "search": "Search routes",
  "untagged": "Other",
  "parameters": "Parameters",
  "request": "Request",
  "responses": "Responses",
  "example": "Example",
  "no_match": "No route matches.",
  "col.name": "Name",
  "col.in": "In",
  "col.type": "Type",
  "col.about": "About",
};

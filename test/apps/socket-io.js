// socket.io beside Express, as its documentation has it, minus the listen().
import { createServer } from 'node:http'
import express from 'express'
import { Server } from 'socket.io'

const app = express()
app.get('/', (_req, res) => res.send('plain'))

const server = createServer(app)
const io = new Server(server)
io.on('connection', (socket) => socket.on('ask', (word, answer) => answer({ word, pid: process.pid })))

export default server

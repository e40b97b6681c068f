// Starts the page, with whoever answers it: what it opens is in a page that carries the module.
import { mount } from 'svelte'
import { Module } from './answers/module'
import { server } from './answers/server'
import App from './App.svelte'
import { connect } from './lib/api'
import './style.css'

connect(document.getElementById('start') ? new Module() : server)
mount(App, { target: document.getElementById('page')! })
